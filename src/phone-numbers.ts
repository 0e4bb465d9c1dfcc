import type { CountryCode, PhoneNumber } from "libphonenumber-js";
import type * as Library from "./phone-library";

/** Loaded with the first number: its table of the world's numbering plans is half a megabyte that rests otherwise. */
// Not `import()`: whoever asks does not wait.
const library = () => (loaded ??= require("./phone-library") as typeof Library);
let loaded: typeof Library | undefined;

/** A phone number in any notation; without a country, only with its country code. */
export const parsePhoneNumberFromString = (text: string, country?: CountryCode): PhoneNumber | undefined =>
  library().parsePhoneNumberFromString(text, country);

/** Whether this is a country whose numbers can be read. */
export const isSupportedCountry = (country: string): country is CountryCode =>
  library().isSupportedCountry(country);
