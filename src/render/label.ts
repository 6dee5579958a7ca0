/**
 * A cell that people and programs read differently: `3 Users` on the screen, the rows in JSON.
 *
 * Made for loaded relationships and other things whose text is not their value.
 */
export class Label {
  /** @param value  what JSON, CSV and the other formats for programs give; the text when left out */
  constructor(
    readonly text: string,
    readonly value: unknown = text,
  ) {}
}
