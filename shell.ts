#!/usr/bin/env node
import { runProgram } from "./src/program";

void runProgram();
