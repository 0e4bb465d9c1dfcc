/** The page of the web client where a new password is chosen; `?token=` is what the server takes it for. */
const resetPage = "/reset-password";

/** Addresses that people are sent to. */
export class Links {
  #ownUrl = "http://localhost";

  /** @param publicUrl where people reach the server, without a slash at the end; `null` when nobody said */
  constructor(private readonly publicUrl: string | null) {}

  /** Where the server listens, for links as long as no public address is configured. */
  listensAt(url: string): void {
    this.#ownUrl = url;
  }

  /** Where the owner of this token chooses a new password. */
  resetPassword = (token: string): string => `${this.publicUrl ?? this.#ownUrl}${resetPage}?token=${token}`;
}
