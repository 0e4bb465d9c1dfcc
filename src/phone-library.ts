/** What is used of the library, so that it is loaded by `phone-numbers.ts` alone, and not before. */
export { isSupportedCountry, parsePhoneNumberFromString } from "libphonenumber-js";
