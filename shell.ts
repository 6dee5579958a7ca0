#!/usr/bin/env node
import { loadProgram } from "./src/start/program-loader";

const file = require.resolve("./src/program");
const program = loadProgram(file, __dirname, module) as typeof import("./src/program");
void program.runProgram();
