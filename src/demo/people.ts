/** The people of the demo company: those who support its customers in the Chinook database, and their colleagues. */
export interface DemoPerson {
  full_name: string;
  email: string;
  role: "admin" | "manager" | "user";
  /** The number under which customers name them as their support. */
  supports?: string;
}

/** One admin, one manager, and users. */
export const people: readonly DemoPerson[] = [
  { full_name: "Andrew Adams", email: "andrew@chinookcorp.com", role: "admin" },
  { full_name: "Nancy Edwards", email: "nancy@chinookcorp.com", role: "manager" },
  { full_name: "Jane Peacock", email: "jane@chinookcorp.com", role: "user", supports: "3" },
  { full_name: "Margaret Park", email: "margaret@chinookcorp.com", role: "user", supports: "4" },
  { full_name: "Steve Johnson", email: "steve@chinookcorp.com", role: "user", supports: "5" },
  { full_name: "Laura Callahan", email: "laura@chinookcorp.com", role: "user" },
];
