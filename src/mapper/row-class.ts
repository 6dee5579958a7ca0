import type { Model, ModelStatic } from "sequelize";

/** What Sequelize keeps on an instance beside its values; written here because its types do not say. */
export interface InstanceFields {
  dataValues: Record<string, unknown>;
  _previousDataValues: Record<string, unknown>;
  _changed: Set<string>;
  _options: object;
  isNewRecord: boolean;
  uniqno: number;
}

/** Makes a real model instance of a row whose keys are attribute names; the row object becomes its values. */
export type RowClass = new (dataValues: Record<string, unknown>) => Model;

/**
 * The class through which rows become instances, at about the cost of the row object itself.
 *
 * Its instances are `instanceof` the model, have the model as `constructor`, and inherit getters, setters and methods. What
 * Sequelize's constructor would prepare (`_changed`, `_previousDataValues`) is made when first asked for, so an instance that
 * was never written to has no own `_changed`.
 */
export function rowClassOf(model: ModelStatic<Model>): RowClass {
  const { _schema, _schemaDelimiter } = model as unknown as { _schema: unknown; _schemaDelimiter: unknown };
  // Shared and frozen: Sequelize replaces an instance's options, it never writes into them.
  const options = Object.freeze({ isNewRecord: false, raw: true, _schema, _schemaDelimiter });
  const prototype = Object.create(model.prototype as object, {
    _previousDataValues: lazily("_previousDataValues", (instance) => ({ ...instance.dataValues })),
    _changed: lazily("_changed", () => new Set()),
    uniqno: { value: 1, writable: true, configurable: true },
    // On the prototype, because they are the same for all until Sequelize writes to one instance.
    _options: { value: options, writable: true, configurable: true, enumerable: true },
    isNewRecord: { value: false, writable: true, configurable: true, enumerable: true },
  }) as object;
  function Row(this: InstanceFields, dataValues: Record<string, unknown>): void {
    this.dataValues = dataValues;
  }
  Row.prototype = prototype;
  return Row as unknown as RowClass;
}

function lazily(name: keyof InstanceFields, make: (instance: InstanceFields) => unknown): PropertyDescriptor {
  const define = (target: object, value: unknown): void => {
    Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: true });
  };
  return {
    configurable: true,
    get(this: InstanceFields) {
      const value = make(this);
      define(this, value);
      return value;
    },
    set(this: InstanceFields, value: unknown) {
      define(this, value);
    },
  };
}
