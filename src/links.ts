/** The page of the web client where a new password is chosen; `?token=` is what the server takes it for. */
const resetPage = "/reset-password";
/** The page where an invitation is accepted, and the one where an address is proven. */
const [acceptPage, verifyPage] = ["/accept-invitation", "/verify-email"];

/** Addresses that people are sent to. */
export class Links {
  #ownUrl = "http://localhost";

  /** @param publicUrl where people reach the server, without a slash at the end; `null` when nobody said */
  constructor(private readonly publicUrl: () => string | null) {}

  /** Where the server listens, for links as long as no public address is configured. */
  listensAt(url: string): void {
    this.#ownUrl = url;
  }

  /** Where the owner of this token chooses a new password. */
  resetPassword = (token: string): string => this.#page(resetPage, token);

  /** Where whoever was invited makes their account. */
  acceptInvitation = (token: string): string => this.#page(acceptPage, token);

  /** Where the owner of an address proves that it is theirs. */
  verifyEmail = (token: string): string => this.#page(verifyPage, token);

  /** The page of a shared file. */
  share = (token: string): string => this.to(`/s/${token}`);

  /** A page of the web client, by its path. */
  to = (path: string): string => `${this.publicUrl() ?? this.#ownUrl}${path}`;

  #page(page: string, token: string): string {
    return this.to(`${page}?token=${token}`);
  }
}
