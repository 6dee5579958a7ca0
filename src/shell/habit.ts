/** Words that other prompts take as commands, and the command here. They mean it as long as nobody has given the name to something. */
const COMMAND_WORDS: Readonly<Record<string, string>> = { exit: "exit", quit: "exit", help: "help" };

/** Names from other languages and prompts, and what is typed here. */
const NAMES: Readonly<Record<string, string>> = {
  _: "there is no last value yet",
  None: "null",
  NULL: "null",
  nil: "null",
  True: "true",
  False: "false",
  print: "console.log(…)",
  puts: "console.log(…)",
  len: "list.length",
  dir: ".describe Model, or Tab after a dot",
  begin: "db.session.begin()",
  commit: "db.session.commit()",
  rollback: "db.session.rollback()",
  flush: "db.session.flush()",
  tables: ".tables",
  models: ".models",
  history: ".history",
  reload: ".reload",
  clear: "Ctrl-L clears the screen",
  cls: "Ctrl-L clears the screen",
};

/** psql's commands, and the ones here. */
const BACKSLASH_COMMANDS: Readonly<Record<string, string>> = {
  q: ".exit",
  "?": ".help",
  h: ".help",
  d: ".tables, .schema TABLE, .describe Model",
  dt: ".tables",
  l: ".tables",
  c: ".connect URL",
  connect: ".connect URL",
  i: ".load FILE",
  e: ".edit",
  x: ".mode vertical",
  timing: ".timer on",
  s: ".history",
  copy: ".import FILE Model, .export FILE EXPR",
};

/** Class methods of other mappers, and what does the same here, after the model's name. */
const MODEL_METHODS: Readonly<Record<string, string>> = {
  all: "query.all()",
  first: "query.first()",
  last: "query.orderBy(…).first()",
  take: "query.limit(…).all()",
  limit: "query.limit(…)",
  offset: "query.offset(…)",
  find: "query.get(…)",
  get: "query.get(…)",
  find_by: "query.filterBy({…}).first()",
  findBy: "query.filterBy({…}).first()",
  findOneBy: "query.filterBy({…}).first()",
  where: "query.filterBy({…})",
  filter: "query.filter(…)",
  filterBy: "query.filterBy({…})",
  filter_by: "query.filterBy({…})",
  order: "query.orderBy(…)",
  orderBy: "query.orderBy(…)",
  order_by: "query.orderBy(…)",
  join: "query.join(…)",
  options: "query.options(…)",
  paginate: "query.paginate({…})",
  one: "query.one()",
  objects: "query",
  delete: "query.filterBy({…}).delete()",
};

const SQL =
  /^\s*(?:(?:select|show|explain|describe|desc|pragma|with|vacuum|analyze|grant|revoke|use)\s+[\w*("'`]|insert\s+into\s|replace\s+into\s|update\s+\S+\s+set\s|delete\s+from\s|(?:create|alter|drop|truncate)\s+\w)/i;
const LONGEST_SQL = 80;

/** The command that a text means which is no more than the word other prompts have for it, such as `exit` or `quit()`. */
export function commandWord(text: string): { readonly word: string; readonly command: string } | undefined {
  const [, word = ""] = /^\s*([a-z]+)\s*(?:\(\s*\))?\s*;?\s*$/.exec(text) ?? [];
  const command = Object.hasOwn(COMMAND_WORDS, word) ? COMMAND_WORDS[word] : undefined;
  return command === undefined ? undefined : { word, command };
}

/** What to type in the place of a name that other languages and prompts have. */
export function hintForName(name: string): string | undefined {
  return Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
}

/** What to type in the place of a method that a model does not have, such as `User.query.all()`. */
export function queryInPlaceOf(model: string, method: string): string | undefined {
  return Object.hasOwn(MODEL_METHODS, method) ? `${model}.${MODEL_METHODS[method]}` : undefined;
}

/** What helps against an error of the database that people meet at the beginning. */
export function hintForDatabase(message: string): string | undefined {
  const isTableMissing = /no such table|relation "[^"]*" does not exist|Table '[^']*' doesn't exist/i.test(message);
  return isTableMissing ? ".tables lists what is there; db.createAll() makes the tables of the models" : undefined;
}

/** What to type in the place of a text that is no TypeScript, but a statement of SQL or a command of another prompt. */
export function hintForText(text: string): string | undefined {
  const [, backslash] = /^\s*\\([?\w]\w*)?/.exec(text) ?? [];
  if (backslash !== undefined) {
    const known = Object.hasOwn(BACKSLASH_COMMANDS, backslash) ? BACKSLASH_COMMANDS[backslash] : undefined;
    return known ?? "commands begin with a dot: .help lists them";
  }
  if (!SQL.test(text)) return undefined;
  const sql = text.trim().replace(/\s*;$/, "");
  const isShort = sql.length <= LONGEST_SQL && !sql.includes("\n");
  return `SQL is run by db.session.execute(${isShort ? JSON.stringify(sql) : "`…`"})`;
}
