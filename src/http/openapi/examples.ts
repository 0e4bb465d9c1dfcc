/** Values that stand in examples where only the caller knows the real one. */
const samples: Readonly<Record<string, string>> = {
  email: "ada@example.com",
  password: "a long enough phrase",
  new_password: "another long enough phrase",
  setup_code: "ABCD-EFGH",
  reset_token: "y0Vd7m8s1iQKXzvR3bNpLwTgHcJfAeUo5k2x4CtYq9E",
  invitation_token: "mB4nQ9tXe1sVhKz7cRwYp2oLdUjGfAi6k8x5CtNq0vE",
  verification_token: "Zr3mT8yLq5wBnKj0cVxPe7sHdGuAoFi2k1x4CtYb9QE",
  key: "visibility.clients",
  refresh_token: "I5VXk2Yq8h0m3nTz1bCwRa9sLdEuFgJp4oQv7xKyMiA",
};

/** An id, where an example needs one. */
export const sampleId = "01941f29-7c00-7000-8000-000000000001";

/** The example with a value that looks right in the place of every `{{name}}`. */
export const exampleOf = (example: unknown): unknown => filled(example, (name) => samples[name] ?? sampleId);

/** The example with what `valueOf` gives in the place of every `{{name}}`. */
export function filled(value: unknown, valueOf: (name: string) => string): unknown {
  if (typeof value === "string") {
    return value.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => valueOf(name));
  }
  if (Array.isArray(value)) return value.map((entry) => filled(entry, valueOf));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, filled(entry, valueOf)]));
}
