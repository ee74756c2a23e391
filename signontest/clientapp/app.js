// A client's single-page application: signs in with Auth0's library and sends
// the ID token to Catalpa's API. /settings.json says where both are.
const status = document.getElementById('status');
const say = (text) => { status.textContent = text; };

/** Runs an action of a button and shows what comes of it. */
function on(id, action) {
  document.getElementById(id).addEventListener('click', async () => {
    say('Working');
    try {
      say(await action());
    } catch (error) {
      say(`Error: ${error.error ?? error.name}: ${error.message}`);
    }
  });
}

async function start() {
  const { domain, clientId, api } = await (await fetch('/settings.json')).json();
  const client = await auth0.createAuth0Client({
    domain,
    clientId,
    useRefreshTokens: true,
    authorizationParams: { redirect_uri: `${location.origin}/` },
  });

  const query = new URLSearchParams(location.search);
  if (query.has('state') && (query.has('code') || query.has('error'))) {
    history.replaceState(null, '', '/');
    query.delete('iss');
    await client.handleRedirectCallback(`${location.origin}/?${query}`);
  }

  const idToken = async () => (await client.getIdTokenClaims()).__raw;
  on('login', () => client.loginWithRedirect());
  on('call', async () => {
    const response = await fetch(`${api}/api/v1/users/loggedInUser`, {
      headers: { authorization: `Bearer ${await idToken()}` },
    });
    const body = await response.json();
    return `Catalpa: ${response.status} ${body.name ?? body.errorCode}`;
  });
  on('renew', async () => {
    await client.getTokenSilently({ cacheMode: 'off' });
    return `Renewed for ${(await client.getUser()).email}`;
  });
  on('logout', () => client.logout({ logoutParams: { returnTo: `${location.origin}/` } }));
  say((await client.isAuthenticated()) ? `Signed in: ${(await client.getUser()).email}` : 'Signed out');
}

start().catch((error) => say(`Error: ${error.error ?? error.name}: ${error.message}`));
