import type { Attribute } from "../mapper/attribute";

const FIRST =
  "Ada Amir Anna Bela Carla Chen Dana Diego Elif Emma Erik Fatima Finn Grace Hugo Ines Ivan Jana Kofi Lena Liam Maya Milo Nora Omar Paula Ravi Rosa Sami Tara Timo Uma Vera Yuki Zoe".split(
    " ",
  );
const LAST =
  "Adams Bauer Costa Diaz Eriksen Fischer Garcia Haddad Ito Jensen Kaya Larsen Meyer Novak Okafor Petrov Quinn Rossi Silva Tanaka Ueda Vogel Weber Xu Yilmaz Zhang".split(
    " ",
  );
const WORDS =
  "amber bridge cloud delta ember forest garden harbor island jungle kettle lantern meadow needle ocean pepper quartz river silver timber umber valley willow yellow zephyr".split(
    " ",
  );
const CITIES =
  "Accra Berlin Cairo Dublin Essen Florence Geneva Hanoi Izmir Jakarta Kyoto Lima Madrid Nairobi Oslo Porto Quito Riga Sofia Turin Utrecht Vienna Warsaw Zagreb".split(
    " ",
  );
const COUNTRIES =
  "Austria Brazil Canada Denmark Egypt France Ghana Hungary India Japan Kenya Latvia Mexico Norway Peru Spain Turkey".split(
    " ",
  );
const COLORS = "black blue brown gold gray green orange pink purple red silver white yellow".split(" ");
const STREETS = "Church High Hill Lake Main Market Mill Oak Park River School Station".split(" ");

/** Milliseconds of a day. */
const DAY_MS = 86_400_000;
/** The days that dates are made up of: the three years before this one. */
const NEWEST_MS = Date.UTC(2026, 0, 1);
const DAYS = 3 * 365;

interface Rules {
  min: number | undefined;
  max: number | undefined;
  shortest: number;
  longest: number;
  among: readonly unknown[] | undefined;
  isEmail: boolean;
  isUrl: boolean;
}

/** Plausible values of attributes, the same for the same seed. */
export class FakeValues {
  #state: number;

  /** @param seed  any whole number */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Whether something of that probability happens. */
  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#next() * items.length)] as T;
  }

  /** A value for an attribute. @param attempt  how many values did not fit before, where it must be free: later ones are numbered */
  valueOf(attribute: Attribute, attempt: number): unknown {
    const rules = rulesOf(attribute);
    if (rules.among) return this.pick(rules.among);
    switch (attribute.kind) {
      case "integer":
      case "bigint":
        return this.#integer(attribute.name, rules, attempt);
      case "number":
      case "decimal":
        return this.#decimal(attribute.name, rules, attribute.kind === "decimal");
      case "boolean":
        return this.chance(0.5);
      case "date":
        return this.#date();
      case "dateonly":
        return this.#date().toISOString().slice(0, 10);
      case "time":
        return this.#date().toISOString().slice(11, 19);
      case "uuid":
        return this.#uuid();
      case "json":
        return { [this.pick(WORDS)]: this.pick(WORDS) };
      case "array":
        return [];
      default:
        return fit(this.#text(attribute.name, rules, attempt), rules);
    }
  }

  #text(name: string, { isEmail, isUrl }: Rules, attempt: number): string {
    const first = this.pick(FIRST);
    const last = this.pick(LAST);
    const number = attempt === 0 ? "" : String(this.#between(2, 10 + attempt * attempt));
    const is = (pattern: RegExp): boolean => pattern.test(name);
    if (isEmail || is(/e?mail/i)) return `${first}.${last}${number}@example.com`.toLowerCase();
    if (isUrl || is(/url|link|website|homepage/i)) return `https://example.com/${this.pick(WORDS)}${number}`;
    if (is(/^(user|login|nick|handle|account)_?(name)?$/i)) return `${first}${this.pick(WORDS)}${number}`.toLowerCase();
    if (is(/first_?name|given_?name/i)) return first + number;
    if (is(/last_?name|family_?name|surname/i)) return last + number;
    if (is(/full_?name|display_?name|author|customer|contact/i)) return `${first} ${last}${number}`;
    if (is(/city|town/i)) return this.pick(CITIES) + number;
    if (is(/country/i)) return this.pick(COUNTRIES) + number;
    if (is(/street|address/i)) return `${this.#between(1, 200)} ${this.pick(STREETS)} Street${number}`;
    if (is(/zip|postal|postcode/i)) return String(this.#between(10_000, 99_999));
    if (is(/phone|mobile|fax/i)) return `+1 555 ${String(this.#between(0, 9_999_999)).padStart(7, "0")}`;
    if (is(/colou?r/i)) return this.pick(COLORS) + number;
    if (is(/slug|code|sku|key|token/i))
      return `${this.pick(WORDS)}-${this.pick(WORDS)}${number === "" ? "" : `-${number}`}`;
    if (is(/password|hash|digest/i)) return this.#uuid().replaceAll("-", "");
    if (is(/title|subject|headline|label/i)) return `${capital(this.pick(WORDS))} ${this.pick(WORDS)}${number}`;
    if (is(/text|body|description|content|comment|note|bio|message|summary/i)) {
      return `${capital(this.pick(WORDS))} ${Array.from({ length: 7 }, () => this.pick(WORDS)).join(" ")}${number}.`;
    }
    return capital(this.pick(WORDS)) + number;
  }

  #integer(name: string, { min, max }: Rules, attempt: number): number {
    const [low, high] = /age$/i.test(name)
      ? [18, 90]
      : /year/i.test(name)
        ? [1990, 2026]
        : /percent|score|rating/i.test(name)
          ? [0, 100]
          : [1, 1000 * (1 + attempt)];
    return this.#between(min ?? Math.min(low, max ?? low), max ?? Math.max(high, min ?? high));
  }

  #decimal(name: string, { min, max }: Rules, asText: boolean): number | string {
    const [low, high] = /lat/i.test(name) ? [-90, 90] : /lon|lng/i.test(name) ? [-180, 180] : [1, 500];
    const from = min ?? Math.min(low, max ?? low);
    const value = from + this.#next() * ((max ?? Math.max(high, min ?? high)) - from);
    return asText ? value.toFixed(2) : Math.round(value * 100) / 100;
  }

  #date(): Date {
    return new Date(NEWEST_MS - Math.floor(this.#next() * DAYS * DAY_MS * 1e-3) * 1000);
  }

  #uuid(): string {
    const digit = (): string => Math.floor(this.#next() * 16).toString(16);
    return "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replaceAll("x", digit);
  }

  /** A whole number from `low` to `high`. */
  #between(low: number, high: number): number {
    return low + Math.floor(this.#next() * (high - low + 1));
  }

  /** The next number from 0 up to 1 (mulberry32). */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
}

/** What the model asks of an attribute's values. */
function rulesOf({ options }: Attribute): Rules {
  const validate = (options.validate ?? {}) as Readonly<Record<string, unknown>>;
  const type = options.type as unknown as {
    values?: readonly string[];
    _length?: number;
    options?: { length?: number };
  };
  const argument = (name: string): unknown => {
    const rule = validate[name];
    return typeof rule === "object" && rule !== null && "args" in rule ? rule.args : rule;
  };
  const number = (name: string): number | undefined => {
    const given = argument(name);
    const value = Number(Array.isArray(given) ? given[0] : given);
    return given === undefined || Number.isNaN(value) ? undefined : value;
  };
  const lengths: unknown[] = [argument("len")].flat();
  const [shortest, longest] = lengths.map((length) => (typeof length === "number" ? length : undefined));
  const given = argument("isIn");
  const among = Array.isArray(given) ? (given as unknown[]).flat() : [];
  return {
    min: number("min"),
    max: number("max"),
    shortest: shortest ?? (argument("notEmpty") ? 1 : 0),
    longest: Math.min(longest ?? Infinity, type._length ?? type.options?.length ?? Infinity),
    among: type.values ?? (among.length === 0 ? undefined : among),
    isEmail: Boolean(argument("isEmail")),
    isUrl: Boolean(argument("isUrl")),
  };
}

/** A text of a length that is allowed. */
function fit(text: string, { shortest, longest }: Rules): string {
  let fitted = text;
  while (fitted.length < shortest) fitted += ` ${text}`;
  return fitted.slice(0, longest).trimEnd();
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
