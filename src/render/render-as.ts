/**
 * Key of the tag that says how an object is shown.
 *
 * A symbol, so that no object of the user's, whatever its properties, is taken for one of ours.
 */
export const renderAs: unique symbol = Symbol("renderAs");
