// provider.mjs: a certified OpenID provider (npm oidc-provider) in Auth0's shape:
// its paths, an issuer that ends in a slash, RS256, refresh tokens for
// offline_access without a consent page, roles under a URL.
//
//   node provider.mjs --app ORIGIN [--client-app ORIGIN] [options]
//
// Clients: om-web (confidential, secret om-secret) and om-spa (public, PKCE). ORIGIN is
// Catalpa's; the client application's is one more that om-spa may come from.
// Prints "ready: ISSUER" and ends when its standard input does, so it never
// outlives the test that started it.
//
//   --port N             0: any free one (default)
//   --logout oidc|v2     an end_session_endpoint, or only Auth0's older /v2/logout
//   --id-token-ttl S  --access-token-ttl S  --refresh-token-ttl S
//
// Tests steer it over HTTP:
//   /_rotate[?drop=1]    sign with a new key; drop: publish the old one no more
//   /_down?mode=M[&path=P]  M: 503, hang, reset or off; P: only this path
//   /_deactivate?login=N    N cannot come again, and renewal for N is refused
//   /_issued             every credential handed out so far, a JSON list
//   /_requests           every request so far: method, url, referer, grant
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { errors, interactionPolicy, Provider } from 'oidc-provider';
import { Accounts, ROLES_CLAIM } from './accounts.mjs';
import { Control } from './control.mjs';
import { choosePage, consentPage, plainPage, signInPage, signOutPage } from './forms.mjs';
import { memory } from './store.mjs';

const { values: options } = parseArgs({
  options: {
    app: { type: 'string', multiple: true },
    'client-app': { type: 'string', multiple: true, default: [] },
    port: { type: 'string', default: '0' },
    logout: { type: 'string', default: 'oidc' },
    'id-token-ttl': { type: 'string', default: '3600' },
    'access-token-ttl': { type: 'string', default: '3600' },
    'refresh-token-ttl': { type: 'string', default: '86400' },
  },
});

const seconds = (name) => Number(options[name]);
const accounts = new Accounts();
const control = new Control({ rotate, accounts });
const adapter = memory();
const cookieKeys = [randomUUID()];
let signingKeys = [newKey()];
let provider;

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomUUID() };
}

/** A provider with other keys takes over; what it remembers stays. */
function rotate(drop) {
  signingKeys = [newKey(), ...(drop ? [] : signingKeys)];
  provider = newProvider();
}

/** Where a browser may be sent after signing out. */
function afterLogout() {
  const own = options.app.flatMap((origin) => [`${origin}/signed-out`, `${origin}/`]);
  return [...own, ...options['client-app'].map((origin) => `${origin}/`)];
}

function clients() {
  const callbacks = options.app.flatMap((origin) => [
    `${origin}/callback`, `${origin}/auth/callback`, `${origin}/api/v1/auth/callback`,
  ]);
  return [{
    client_id: 'om-web',
    client_secret: 'om-secret',
    client_name: 'Catalpa (Web)',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: callbacks,
    post_logout_redirect_uris: afterLogout(),
    backchannel_logout_uri: `${options.app[0]}/api/v1/auth/backchannel-logout`,
    backchannel_logout_session_required: true,
  }, {
    client_id: 'om-spa',
    client_name: 'Catalpa (SPA)',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', 'implicit'],
    response_types: ['code', 'id_token'],
    redirect_uris: [
      ...callbacks,
      ...options.app.map((origin) => `${origin}/silent-callback`),
      ...options['client-app'].map((origin) => `${origin}/`),
    ],
    post_logout_redirect_uris: afterLogout(),
  }];
}

function policy() {
  const { base, Prompt } = interactionPolicy;
  const prompts = base();
  prompts.add(new Prompt({ name: 'select_account', requestable: true }), 0);
  return prompts;
}

function newProvider() {
  const fresh = new Provider(issuer, {
    adapter,
    clients: clients(),
    jwks: { keys: signingKeys },
    cookies: {
      keys: cookieKeys,
      // The names differ from any other provider's on 127.0.0.1: cookies know no ports.
      names: { session: `p${port}_session`, interaction: `p${port}_interaction`, resume: `p${port}_resume` },
    },
    claims: {
      openid: ['sub', ROLES_CLAIM],
      email: ['email', 'email_verified'],
      profile: ['name', 'nickname'],
    },
    // Auth0 puts what the scopes allow into the ID token itself.
    conformIdTokenClaims: false,
    clientBasedCORS: (ctx, origin, client) => client.clientId === 'om-spa' &&
      [...options.app, ...options['client-app']].includes(origin),
    findAccount(ctx, subject) {
      const account = accounts.get(subject);
      return account && { accountId: subject, claims: () => accounts.claims(account) };
    },
    // Who is told of a sign-out is on the loopback address too, which the library's
    // own dispatcher refuses to call.
    fetch: (url, { dispatcher, ...request }) => fetch(url, request),
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: options.logout === 'oidc',
        logoutSource(ctx, form) { ctx.body = signOutPage(form); },
        postLogoutSuccessSource(ctx) { ctx.body = plainPage('Test provider: signed out', 'You are signed out.'); },
      },
    },
    interactions: { policy: policy(), url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    pkce: { required: (ctx, client) => client.clientId === 'om-spa' },
    renderError(ctx, out) {
      ctx.type = 'html';
      ctx.body = plainPage('Test provider: error', `${out.error}: ${out.error_description ?? ''}`);
    },
    rotateRefreshToken: true,
    routes: {
      authorization: '/authorize',
      token: '/oauth/token',
      userinfo: '/userinfo',
      jwks: '/.well-known/jwks.json',
      revocation: '/oauth/revoke',
      end_session: '/oidc/logout',
    },
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    ttl: {
      AccessToken: seconds('access-token-ttl'),
      AuthorizationCode: 60,
      Grant: 86400,
      IdToken: seconds('id-token-ttl'),
      Interaction: 600,
      RefreshToken: seconds('refresh-token-ttl'),
      Session: 86400,
    },
  });
  allowImplicitOverHttp(fresh);
  fresh.use(async (ctx, next) => {
    await next();
    control.note(ctx);
  });
  return fresh;
}

/** Everything here is plain HTTP on the loopback address, the implicit flow too. */
function allowImplicitOverHttp(instance) {
  const schema = instance.Client.Schema.prototype;
  const { invalidate } = schema;
  schema.invalidate = function permit(message, code) {
    if (!code?.startsWith('implicit-')) {
      invalidate.call(this, message, code);
    }
  };
}

/** Auth0 hands out refresh tokens without asking; oidc-provider wants the consent prompt for it. */
function asAuth0(request) {
  const url = new URL(request.url, issuer);
  const prompts = new Set((url.searchParams.get('prompt') ?? '').split(' ').filter(Boolean));
  const scopes = (url.searchParams.get('scope') ?? '').split(' ');
  if (url.pathname === '/authorize' && scopes.includes('offline_access') && !prompts.has('none')) {
    url.searchParams.set('prompt', [...prompts.add('consent')].join(' '));
    request.url = url.pathname + url.search;
  }
}

async function grantFor(details, subject) {
  const grant = (details.grantId && await provider.Grant.find(details.grantId)) ??
    new provider.Grant({ accountId: subject, clientId: details.params.client_id });
  grant.addOIDCScope(details.params.scope);
  return { grantId: await grant.save() };
}

/** One step of a person at the provider: a page, or on with the flow. */
async function interact(request, response) {
  const details = await provider.interactionDetails(request, response);
  const base = `/interaction/${details.uid}`;
  const step = new URL(request.url, issuer).pathname.slice(base.length);
  const finish = (result) => provider.interactionFinished(request, response, result);
  const show = (html) => response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }).end(html);
  const known = details.session && accounts.get(details.session.accountId);

  switch (`${request.method} ${step}`) {
    case 'GET ':
      if (details.prompt.name === 'login' || !known) {
        return show(signInPage(base));
      }
      if (details.prompt.name === 'select_account') {
        return show(choosePage(base, known.name));
      }
      return known.traits.has('ask')
        ? show(consentPage(base, details.params.client_id))
        : finish({ consent: await grantFor(details, known.subject) });
    case 'POST /login':
      return signIn(request, { details, base, finish, show });
    case 'POST /other':
      return show(signInPage(base));
    case 'POST /continue':
      return finish({ select_account: {}, ...(known.traits.has('ask') ? {} : { consent: await grantFor(details, known.subject) }) });
    case 'POST /allow':
      return finish({ consent: await grantFor(details, known.subject) });
    case 'POST /cancel':
      return finish({ error: 'access_denied', error_description: 'User did not authorize the request' });
    default:
      return response.writeHead(404).end();
  }
}

async function signIn(request, { details, base, finish, show }) {
  const chunks = await request.toArray();
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  const { account, error } = accounts.signIn(form.get('login') ?? '', form.get('password') ?? '');
  if (error) {
    return show(signInPage(base, error));
  }
  if (account.traits.has('blocked')) {
    return finish({ error: 'access_denied', error_description: 'user is blocked' });
  }
  const result = { login: { accountId: account.subject }, select_account: {} };
  if (!account.traits.has('ask')) {
    const forgetful = details.session?.accountId === account.subject ? details : { ...details, grantId: undefined };
    result.consent = await grantFor(forgetful, account.subject);
  }
  return finish(result);
}

/** Auth0's older sign-out: the session ends, the browser goes where the client may send it. */
async function olderLogout(request, response) {
  const query = new URL(request.url, issuer).searchParams;
  const client = await provider.Client.find(query.get('client_id') ?? '');
  const back = query.get('returnTo') ?? '';
  if (!client || !afterLogout().includes(back)) {
    return response.writeHead(400).end('returnTo is not among the allowed logout URLs');
  }
  const session = await provider.Session.get(provider.createContext(request, response));
  await session.destroy();
  return response.writeHead(302, { location: back }).end();
}

async function serve(request, response) {
  const { pathname } = new URL(request.url, issuer);
  if (pathname.startsWith('/_')) {
    return control.serve(request, response);
  }
  if (control.hinders(request, response)) {
    return undefined;
  }
  if (pathname.startsWith('/interaction/')) {
    return interact(request, response);
  }
  if (pathname === '/v2/logout' && options.logout === 'v2') {
    return olderLogout(request, response);
  }
  asAuth0(request);
  return provider.callback()(request, response);
}

const server = createServer((request, response) => {
  serve(request, response).catch((error) => {
    const refused = error instanceof errors.OIDCProviderError;
    if (!refused) {
      console.error(error);
    }
    response.writeHead(refused ? 400 : 500, { 'content-type': 'text/plain' }).end(error.message);
  });
});
await new Promise((resolve, reject) => {
  server.once('error', reject).listen(Number(options.port), '127.0.0.1', resolve);
});
const { port } = server.address();
const issuer = `http://127.0.0.1:${port}/`;
provider = newProvider();
console.log(`ready: ${issuer}`);
process.stdin.on('end', () => process.exit(0)).resume();
