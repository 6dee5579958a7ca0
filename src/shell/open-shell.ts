import { resolve } from "node:path";
import type { Sequelize } from "sequelize";
import type { Database, DatabaseOptions } from "../database";
import { DEFAULT_URL } from "../database-url";
import type { ShellContext } from "./context";
import type { OpenedDatabase } from "./database-context";
import type { OutputSettings } from "./context";

/** What the shell is opened with. */
export interface OpenShellOptions {
  /** Undefined for the default file, or for the database of the project's own Sequelize instance. */
  readonly url: string | undefined;
  /** A module or a folder of models; undefined for the sample models. */
  readonly models: string | undefined;
  /** Makes the models from the tables of the database. */
  readonly reflect: boolean;
  /** Leaves the tables of the sample models empty. */
  readonly empty: boolean;
  readonly readOnly: boolean;
  /** Everything is rolled back at the end. */
  readonly sandbox: boolean;
  /** Nobody is asked before statements that take many rows. */
  readonly yes: boolean;
  readonly format: OutputSettings["format"];
  readonly limit: number | undefined;
  readonly echo: boolean;
  readonly version: string;
  /** Where roles.csv and users.csv are. */
  readonly sampleFolder: string;
  readonly interactive: boolean;
  readonly color: boolean;
  /** Writes lines to stderr: warnings, echoed statements, remarks. */
  readonly write: (text: string) => void;
}

/** The folder of the program's own modules: that of the package, or of what is built. */
const PROGRAM_FOLDER = resolve(__dirname, "../..");

/** Rows that are drawn at the most, until `.limit` says otherwise. */
const DEFAULT_LIMIT = 100;

/**
 * Opens the database of a command line with its models, and everything that the shell needs of it.
 *
 * A database without the sample models' tables gets them, and the sample data with them.
 */
export async function openShell(options: OpenShellOptions): Promise<ShellContext> {
  let { url: currentUrl } = options;
  const { database, name, banner } = await openPrepared(options);
  let current = database.sequelize;
  try {
    const { DatabaseContext } = await import("./database-context.js");
    const settings: OutputSettings = {
      format: options.format,
      limit: options.limit ?? DEFAULT_LIMIT,
      timer: false,
      echo: options.echo,
      pager: options.interactive,
    };
    return new DatabaseContext(database, settings, {
      ...options,
      name,
      banner: options.interactive ? banner : [],
      reopen: async (url) => {
        if (options.models !== undefined) {
          const { forgetModules } = await import("../project/forget-modules.js");
          forgetModules(PROGRAM_FOLDER);
        }
        const wanted = url ?? currentUrl;
        const opened = await openPrepared({ ...options, url: wanted, sandbox: false }, current);
        currentUrl = wanted;
        current = opened.database.sequelize;
        return { ...opened, banner: options.interactive ? opened.banner : [] };
      },
    });
  } catch (error) {
    await database.close().catch(() => undefined);
    throw error;
  }
}

/**
 * Opens a database and makes the sample tables where they belong.
 *
 * @param previous  the instance that is open until now
 * @returns it with what the prompt calls it and what there is to say
 */
async function openPrepared(options: OpenShellOptions, previous?: Sequelize): Promise<OpenedDatabase> {
  const onWarning = (message: string): void => {
    options.write(`warning: ${message}\n`);
  };
  const database = await openProjectDatabase(options, { onWarning, previous });
  try {
    if (options.sandbox) await database.beginSandbox();
    const made =
      options.models === undefined && !options.reflect && !options.readOnly
        ? await prepareSample(database, options)
        : undefined;
    const { titleOfInstance } = await import("../database.js");
    const name = titleOfInstance(database.sequelize);
    const place = `sequelize-shell ${options.version} · node ${process.versions.node} · ${database.dialect.name} ${name}`;
    const models = Object.keys(database.models).join(", ") || "none";
    const banner = [
      made === undefined ? place : `${place} (${made})`,
      `models ${models} · session db.session · .help · .sql EXPR shows SQL without running it`,
    ];
    return { database, name, banner };
  } catch (error) {
    await database.close().catch(() => undefined);
    throw error;
  }
}

/**
 * Opens a database with the models of a project, or with the sample models where no project is named.
 *
 * A project that brings its own Sequelize instance is attached to; a URL then points that instance elsewhere.
 *
 * @throws {InvalidRequestError} where that instance is `previous`, which is open and is to be closed
 */
export async function openProjectDatabase(
  { url, models, reflect, readOnly }: Pick<OpenShellOptions, "url" | "models" | "reflect" | "readOnly">,
  { previous, ...more }: Pick<DatabaseOptions, "onWarning" | "check"> & { previous?: Sequelize | undefined } = {},
): Promise<Database> {
  const { attach, openDatabase, pointAt } = await import("../database.js");
  if (models === undefined) return openDatabase(url ?? DEFAULT_URL, { ...more, reflect, readOnly });
  const { loadModels } = await import("../project/load-models.js");
  const project = await loadModels(models);
  if (project.sequelize !== undefined) {
    if (project.sequelize === previous) {
      const { InvalidRequestError } = await import("../errors.js");
      throw new InvalidRequestError(
        "Cannot open the project's own Sequelize instance anew: its module is loaded once.",
        {
          hint: "leave the shell and start it again",
        },
      );
    }
    if (url !== undefined) pointAt(project.sequelize, url);
    project.define(project.sequelize);
    return attach(project.sequelize, { ...more, readOnly });
  }
  return openDatabase(url ?? DEFAULT_URL, {
    ...more,
    readOnly,
    models: (sequelize: Sequelize) => project.define(sequelize),
    ...(project.SequelizeClass && { SequelizeClass: project.SequelizeClass }),
  });
}

/**
 * The same for one who only looks at what the models define: they gain no queries and no accessors, which for many models
 * takes as long as reading their tables.
 */
export async function openProjectModels(
  { url, models }: Pick<OpenShellOptions, "url" | "models">,
  more: Pick<DatabaseOptions, "check"> = {},
): Promise<Database> {
  const { attach, openDatabase, pointAt } = await import("../database.js");
  if (models === undefined) {
    const database = await openDatabase<object>(url ?? DEFAULT_URL, { ...more, models: [] });
    const { defineModels } = await import("../models/define-models.js");
    defineModels(database.sequelize);
    return database as Database;
  }
  const { loadModels } = await import("../project/load-models.js");
  const project = await loadModels(models);
  if (project.sequelize !== undefined) {
    if (url !== undefined) pointAt(project.sequelize, url);
    project.define(project.sequelize);
    return attach(project.sequelize, { models: [] });
  }
  const database = await openDatabase(url ?? DEFAULT_URL, {
    ...more,
    models: [],
    ...(project.SequelizeClass && { SequelizeClass: project.SequelizeClass }),
  });
  try {
    project.define(database.sequelize);
    return database;
  } catch (error) {
    await database.close().catch(() => undefined);
    throw error;
  }
}

/** Makes the sample tables and loads the sample data where none of the tables is there. @returns what was made, in words */
async function prepareSample(database: Database, options: OpenShellOptions): Promise<string | undefined> {
  if (await database.hasTables()) return undefined;
  if (database.sandbox && !database.dialect.supportsTransactionalDdl)
    return "no tables: a sandbox cannot make them here";
  await database.createAll();
  if (options.empty) return "new: empty tables roles and users";
  const { loadSampleData } = await import("../import-export/sample-data.js");
  const { Role, User } = database.models;
  if (Role === undefined || User === undefined) return undefined;
  const { roles, users } = await loadSampleData(database.session, { Role, User }, options.sampleFolder);
  return `new: ${roles} roles and ${users} users from sample-data`;
}
