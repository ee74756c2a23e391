// What the page of signing in hands over: who is signed in, and what concerns the session.

export interface Me {
  id: string;
  name: string;
  displayName?: string;
  email?: string;
  isAdmin?: boolean;
  fullyQualifiedName?: string;
  teams?: { id: string; name: string }[];
}

export interface Host {
  me: Me;
  version: string;
  /** The access token of the moment. */
  token(): string;
  /** Gets a fresh token; rejects when the session is over. */
  renew(): Promise<void>;
  signOut(): void;
  /** Opens the page about one's own sessions and password. */
  account(): void;
  /** Opens the page about how people sign in here. */
  signOnSettings(): void;
  /** Asks to sign in and comes back to this address; what is on the page stays. */
  signInAgain(): void;
}

let given: Host | undefined;

export function setHost(host: Host): void {
  given = host;
}

export function host(): Host {
  if (!given) throw new Error("the user interface is not mounted");
  return given;
}
