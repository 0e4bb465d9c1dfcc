import { parsePhoneNumberFromString, type CountryCode } from "libphonenumber-js";
import { fold } from "../../text";

/**
 * What phone numbers are compared by: E.164 where the number can be understood, else what was typed, folded.
 * @param defaultCountry ISO 3166 code of numbers without a country code; without one they stay as typed
 */
export function phoneKey(phone: string, defaultCountry: string | null): string {
  const number = parsePhoneNumberFromString(phone, (defaultCountry ?? undefined) as CountryCode | undefined);
  return number?.isPossible() ? number.number : fold(phone.trim());
}
