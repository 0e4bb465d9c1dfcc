import type { CountryCode } from "libphonenumber-js";
import { parsePhoneNumberFromString, plainNumber } from "../../phone-numbers";
import { fold } from "../../text";

/** Digits, and what people put between them. */
const digits = /^(?=.*\d)[\d\s+().\-/]+$/s;

/**
 * What phone numbers are compared by: E.164 where the number can be understood, else its digits, and what is no
 * number as it was typed, folded.
 * @param defaultCountry ISO 3166 code of numbers without a country code; without one only their digits count
 */
export function phoneKey(phone: string, defaultCountry: string | null): string {
  const plain = plainNumber(phone);
  if (plain !== undefined) return plain;
  const number = parsePhoneNumberFromString(phone, (defaultCountry ?? undefined) as CountryCode | undefined);
  if (number?.isPossible()) return number.number;
  return digits.test(phone) ? phone.replace(/[^\d+]/g, "") : fold(phone.trim());
}
