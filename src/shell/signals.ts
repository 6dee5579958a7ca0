/** What the shell is doing, as far as Ctrl-C is concerned. */
export type Activity =
  /** A line is being typed. */
  | "editing"
  /** Code or a command runs. */
  | "running"
  /** What ran was told to stop, and the database is being told too. */
  | "stopping"
  /** A question waits for its answer. */
  | "asking"
  /** The history is being searched. */
  | "searching";

/** What Ctrl-C means. */
export type Meaning =
  /** Throw away what was typed. */
  | "clear"
  /** Nothing was typed: say how to leave. */
  | "hint"
  /** Stop what runs. */
  | "stop"
  /** Do not wait any longer for what was stopped. */
  | "abandon"
  /** Answer the question with its default. */
  | "decline"
  | "end search";

/** Tells what Ctrl-C means now. */
export function meaningOfInterrupt(activity: Activity, typed: string): Meaning {
  switch (activity) {
    case "editing":
      return typed === "" ? "hint" : "clear";
    case "running":
      return "stop";
    case "stopping":
      return "abandon";
    case "asking":
      return "decline";
    case "searching":
      return "end search";
  }
}
