/** One line that a person types, and what `--format json` writes for it: nothing, a value, or the name of an error. */
export interface TypedLine {
  line: string;
  /** The value that the line prints; absent where it prints nothing. */
  value?: unknown;
  /** Compared as a set of rows: the database gives no order. */
  unordered?: boolean;
  /** The error that the line ends in. */
  error?: string;
}

const john = { id: 1, username: "john", roleId: 1 };
const susan = { id: 2, username: "susan", roleId: 3 };
const david = { id: 3, username: "david", roleId: 3 };

/** Seeding three roles and three users, changing and deleting a role, and asking questions: the main job, line by line. */
export const MAIN_JOB: readonly TypedLine[] = [
  { line: "db.createAll()" },
  { line: 'const adminRole = new Role({ name: "Admin" })' },
  { line: 'const modRole = new Role({ name: "Moderator" })' },
  { line: 'const userRole = new Role({ name: "User" })' },
  { line: 'const john = new User({ username: "john", role: adminRole })' },
  { line: 'const susan = new User({ username: "susan", role: userRole })' },
  { line: 'const david = new User({ username: "david", role: userRole })' },
  { line: "adminRole.id", value: null },
  { line: "db.session.addAll([adminRole, modRole, userRole, john, susan, david])" },
  { line: "db.session.commit()" },
  { line: "Array.of(adminRole.id, modRole.id, userRole.id)", value: [1, 2, 3] },
  { line: 'adminRole.name = "Administrator"', value: "Administrator" },
  { line: "db.session.add(adminRole); db.session.commit()" },
  { line: "db.session.delete(modRole); db.session.commit()" },
  {
    line: "Role.query.all()",
    unordered: true,
    value: [
      { id: 1, name: "Administrator" },
      { id: 3, name: "User" },
    ],
  },
  { line: "User.query.all()", unordered: true, value: [john, susan, david] },
  { line: "User.query.filterBy({ role: userRole }).all()", unordered: true, value: [susan, david] },
  {
    line: "String(User.query.filterBy({ role: userRole }))",
    value: sqlLike(/^SELECT .+ FROM users WHERE users\.role_id = 3$/),
  },
  {
    line: "User.query.filterBy({ role: userRole })",
    value: sqlLike(/^SELECT .+ FROM users WHERE users\.role_id = 3$/),
  },
  {
    line: 'User.query.filter(User.c.username.like("%s%")).orderBy(User.c.username.desc()).limit(2).offset(0).all()',
    value: [susan],
  },
  {
    line: 'db.session.query(User.c.roleId, func.count(User.c.id).label("n")).groupBy(User.c.roleId).all()',
    unordered: true,
    value: [
      { roleId: 1, n: 1 },
      { roleId: 3, n: 2 },
    ],
  },
  { line: "User.query.get(1)", value: john },
  { line: 'User.query.filterBy({ username: "nobody" }).first()', value: null },
  { line: 'User.query.filterBy({ username: "nobody" }).firstOr404()', error: "NotFound" },
  { line: "User.query.getOr404(99)", error: "NotFound" },
  { line: "User.query.count()", value: 3 },
  { line: "User.query.orderBy(User.c.id).paginate({ page: 1, perPage: 2 })", value: [john, susan] },
  {
    line: "userRole.users.count(); userRole.users.orderBy(User.c.username).all(); john.role.name",
    value: "Administrator",
  },
  { line: "userRole.users.count()", value: 2 },
  { line: "userRole.users.orderBy(User.c.username).all()", value: [david, susan] },
  { line: "db.session.rollback()" },
];

/** A value that is SQL text of that shape. */
function sqlLike(shape: RegExp): { sql: RegExp } {
  return { sql: shape };
}

/** Whether an expected value stands for the shape of a statement. */
export function isSqlShape(value: unknown): value is { sql: RegExp } {
  return typeof value === "object" && value !== null && "sql" in value && value.sql instanceof RegExp;
}
