/** What is used of the library, so that it is loaded by `phone-numbers.ts` alone, and not before. */
import { Metadata } from "libphonenumber-js";

export { isSupportedCountry, parsePhoneNumberFromString } from "libphonenumber-js";

/** What the library has and its types hide. */
interface NumberingPlans {
  hasCallingCode(code: string): boolean | undefined;
  /** Those that share the code; none where it belongs to no country. */
  getCountryCodesForCallingCode(code: string): string[] | undefined;
  /** @param plan a country, or a calling code, of which the first country counts */
  selectNumberingPlan(plan: string): void;
  numberingPlan: { possibleLengths(): number[]; nationalPrefixForParsing(): string | undefined };
}

/** What is known of the numbers of a calling code. */
interface CallingCode {
  code: string;
  /** How many digits they may have, whichever of its countries they belong to. */
  lengths: ReadonlySet<number>;
  /** What is left out at their beginning, or changed. */
  prefix: RegExp | undefined;
}

const codes = new Map<string, CallingCode | undefined>();
const plain = /^\+[1-9](?:[ -]?\d){3,18}$/;

/**
 * A number in E.164, where that takes no more than leaving out blanks: it says its country's code, its length is right, and it does
 * not begin with what is left out. The library finds the same, and in which country and of which kind the number is, which takes ten
 * times as long.
 * @returns undefined where the library has to be asked
 */
export function plainNumber(text: string): string | undefined {
  if (!plain.test(text)) return undefined;
  const digits = text.replace(/\D+/g, "");
  const known = callingCodeOf(digits);
  if (!known) return undefined;
  const national = digits.slice(known.code.length);
  return known.lengths.has(national.length) && !known.prefix?.test(national) ? `+${digits}` : undefined;
}

/** A calling code has one to three digits, and none begins with another (ITU-T E.164). */
function callingCodeOf(digits: string): CallingCode | undefined {
  for (let length = 1; length <= 3; length++) {
    const known = codes.getOrInsertComputed(digits.slice(0, length), readCode);
    if (known) return known;
  }
  return undefined;
}

function readCode(code: string): CallingCode | undefined {
  const plans = new Metadata() as unknown as NumberingPlans;
  if (!plans.hasCallingCode(code)) return undefined;
  const planOf = (plan: string) => (plans.selectNumberingPlan(plan), plans.numberingPlan);
  const prefix = planOf(code).nationalPrefixForParsing();
  const lengths = [code, ...(plans.getCountryCodesForCallingCode(code) ?? [])]
    .map((plan) => new Set(planOf(plan).possibleLengths()))
    .reduce((common, others) => common.intersection(others));
  return { code, lengths, prefix: prefix ? new RegExp(`^(?:${prefix})`) : undefined };
}
