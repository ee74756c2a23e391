// Accounts come into being when somebody signs in: any name is one, and what
// follows its plus signs says how it is. "grace+unverified" is grace with an
// email nobody confirmed. The password "wrong" is wrong for everybody.
//
//   +unverified     email_verified is false
//   +unstated       no email_verified claim
//   +noemail        no email claim
//   +foreign        email in another domain
//   +blocked        the provider refuses after the password
//   +ask            the provider asks for consent
//   +roles=A;B      the roles claim
//   +sub=X          another subject under the same name
//   +name=X         the name claim

/** Where roles stand in tokens: Auth0 wants claims of one's own to be URLs. */
export const ROLES_CLAIM = 'https://catalpa.example/roles';

export class Accounts {
  #known = new Map();
  #deactivated = new Set();

  /** Signs in: returns the account, or an error sentence for the form. */
  signIn(login, password) {
    const [name, ...words] = login.trim().split('+');
    if (!name || !password || password === 'wrong') {
      return { error: 'Wrong email or password.' };
    }
    const traits = new Map(words.map((word) => {
      const [key, ...value] = word.split('=');
      return [key, value.join('=')];
    }));
    const subject = `auth0|${traits.get('sub') ?? name.split('@')[0]}`;
    const account = { subject, name, traits };
    this.#known.set(subject, account);
    return { account };
  }

  get(subject) {
    return this.#deactivated.has(subject) ? undefined : this.#known.get(subject);
  }

  /** From now on the provider knows no such person any more. */
  deactivate(name) {
    this.#deactivated.add(`auth0|${name}`);
  }

  claims({ subject, name, traits }) {
    const local = name.split('@')[0];
    const claims = { sub: subject, name: traits.get('name') ?? local, nickname: local };
    if (!traits.has('noemail')) {
      const domain = traits.has('foreign') ? 'elsewhere.example' : 'example.com';
      claims.email = name.includes('@') ? name : `${name}@${domain}`;
      if (!traits.has('unstated')) {
        claims.email_verified = !traits.has('unverified');
      }
    }
    if (traits.has('roles')) {
      claims[ROLES_CLAIM] = traits.get('roles').split(';').filter(Boolean);
    }
    return claims;
  }
}
