import type { Mapper } from "../mapper/mapper";
import type { Derived } from "./select-state";

/**
 * One use of a model's table in a statement: the model itself, or an alias of it.
 *
 * `User.c` belongs to the model's own entity; `aliased(User)` makes another, so that a table can stand in a statement twice.
 */
export class Entity {
  readonly mapper: Mapper;
  /** The name the caller gave the alias; undefined where the compiler chooses one. */
  readonly alias: string | undefined;
  /** This is the model itself, not an alias of it. */
  readonly isModel: boolean;
  /** The query whose rows these are, in the place of the table. */
  readonly rows: Derived | undefined;

  private constructor(mapper: Mapper, alias: string | undefined, isModel: boolean, rows?: Derived) {
    this.mapper = mapper;
    this.alias = alias;
    this.isModel = isModel;
    this.rows = rows;
  }

  static readonly #ofModels = new WeakMap<Mapper, Entity>();

  /** The entity of the model itself, the same object each time. */
  static of(mapper: Mapper): Entity {
    let entity = Entity.#ofModels.get(mapper);
    if (entity === undefined) {
      entity = new Entity(mapper, undefined, true);
      Entity.#ofModels.set(mapper, entity);
    }
    return entity;
  }

  /** A further entity of the same table, or of the rows of a query, under a name of its own. */
  static alias(mapper: Mapper, name?: string, rows?: Derived): Entity {
    return new Entity(mapper, name, false, rows);
  }
}
