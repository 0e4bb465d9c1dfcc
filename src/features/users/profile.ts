import { Invalid, type FieldError } from "../../errors";
import { tidy } from "../../text";

/** What people say about themselves. */
interface Profile {
  email?: string;
  full_name?: string;
  time_zone?: string;
  locale?: string;
  avatar_url?: string | null;
}

/** A profile in its one form. @throws Invalid for an unknown time zone or language */
export function checkedProfile<Given extends Profile>(profile: Given): Given {
  const { time_zone, locale } = profile;
  const errors: FieldError[] = [];
  if (time_zone !== undefined && !isTimeZone(time_zone)) {
    errors.push({
      field: "time_zone",
      code: "invalid_format",
      message: "must be an IANA time zone, such as Asia/Ho_Chi_Minh",
    });
  }
  if (locale !== undefined && !isLocale(locale)) {
    errors.push({
      field: "locale",
      code: "invalid_format",
      message: "must be a language tag, such as vi-VN",
    });
  }
  if (errors.length > 0) throw new Invalid(errors);
  return tidy(profile);
}

/** Offsets such as `+07:00` are refused: they know no summer time. */
function isTimeZone(name: string) {
  try {
    return /^[A-Za-z]/.test(name) && Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

function isLocale(tag: string) {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
