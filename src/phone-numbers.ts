import type { CountryCode, PhoneNumber } from "libphonenumber-js";
import type * as Library from "./phone-library";

/** Loaded with the first number: its table of the world's numbering plans is half a megabyte that rests otherwise. */
// Not `import()`: whoever asks does not wait.
const library = () => (loaded ??= require("./phone-library") as typeof Library);
let loaded: typeof Library | undefined;

/** A phone number in any notation; without a country, only with its country code. */
export const parsePhoneNumberFromString = (text: string, country?: CountryCode): PhoneNumber | undefined =>
  library().parsePhoneNumberFromString(text, country);

/** A phone number in E.164, where nothing in it needs to be understood; else undefined. */
export const plainNumber = (text: string): string | undefined => library().plainNumber(text);

/** Whether this is a country whose numbers can be read. */
export const isSupportedCountry = (country: string): country is CountryCode =>
  library().isSupportedCountry(country);
