/** The users that every peer writes. */
export function* users(count) {
  for (let i = 0; i < count; i++) yield { username: `user ${i}`, role: i % 10 };
}

/** The path of a SQLite file in a database URL. */
export function pathOf(url) {
  return url.slice("sqlite:///".length);
}
