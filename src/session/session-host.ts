import type { Sequelize } from "sequelize";
import type { Connection, StatementGuard } from "../driver/connection";
import type { Dialect } from "../driver/dialect";
import type { Mapper } from "../mapper/mapper";
import type { Session } from "./session";

/** What a session needs of the database that it belongs to. */
export interface SessionHost {
  readonly sequelize: Sequelize;
  readonly dialect: Dialect;
  /** A connection of its own, which a session holds while it works. */
  connect(): Connection;
  /** Tells the person of something that is allowed and probably not meant. */
  warn(message: string): void;
  /** Asked before a statement that a person wrote, or a bulk change, is sent. */
  readonly guard?: StatementGuard | undefined;
  /** Hears of the objects whose insertion was committed. */
  readonly onInserted?: ((objects: readonly object[]) => void) | undefined;
  /** The registered models. */
  mappers(): Iterable<Mapper>;
  /** The session that is current where the call is made. */
  currentSession(): Session;
}
