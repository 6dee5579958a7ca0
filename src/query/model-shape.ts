import type { InferAttributes, Model } from "sequelize";

/**
 * The brand of a type that holds the rows of a to-many relationship: `declare readonly [related]?: User[]`.
 *
 * Types find the relationships of a model by it; nothing has such a property at run time.
 */
export const related: unique symbol = Symbol("related");

// A structural test (`extends Model`) would recurse through the models' relationships for ever; `any` would pass every test.
type IsRelationship<P> = 0 extends 1 & P
  ? false
  : typeof related extends keyof NonNullable<P>
    ? true
    : "dataValues" extends keyof NonNullable<P>
      ? true
      : false;

type RelatedValue<P> = typeof related extends keyof P
  ? P extends { readonly [related]?: infer T }
    ? NonNullable<T>
    : never
  : P;

type RelationshipKey<M> = { [K in keyof M]-?: IsRelationship<M[K]> extends true ? K : never }[keyof M];

/** The relationships of a model by name: the related object or null, or the array of related objects. */
export type Relationships<M> = {
  [K in keyof M as IsRelationship<M[K]> extends true ? K : never]?: RelatedValue<NonNullable<M[K]>> | null;
};

/** What `filterBy` takes: attributes and relationships of the model, by name. */
export type Filter<M extends Model> = Partial<InferAttributes<M>> & Relationships<M>;

/** What bulk `update` takes: new values by attribute name; an object may be an expression. */
export type NewValues<T> = T extends Model
  ? { [K in keyof InferAttributes<T>]?: InferAttributes<T>[K] | object | null }
  : Record<string, unknown>;

/** The name of an attribute of the model. */
export type AttributeName<M extends Model> = keyof InferAttributes<M> & string;

/** The name of a relationship of the model. */
export type RelationshipName<M> = RelationshipKey<M> & string;

/** The model that a relationship leads to. */
export type RelatedModel<M, K extends keyof M> =
  RelatedValue<NonNullable<M[K]>> extends readonly (infer T)[]
    ? T extends Model
      ? T
      : Model
    : RelatedValue<NonNullable<M[K]>> extends Model
      ? RelatedValue<NonNullable<M[K]>>
      : Model;
