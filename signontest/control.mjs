// How tests steer the provider and look behind its counter.

export class Control {
  #rotate;
  #accounts;
  #down = { mode: 'off', path: '' };
  #issued = [];
  #requests = [];
  #entries = new WeakMap();

  constructor({ rotate, accounts }) {
    this.#rotate = rotate;
    this.#accounts = accounts;
  }

  async serve(request, response) {
    const url = new URL(request.url, 'http://provider.invalid');
    const ask = (name) => url.searchParams.get(name) ?? '';
    const answer = (value) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    switch (url.pathname) {
      case '/_rotate':
        this.#rotate(ask('drop') === '1');
        return answer({});
      case '/_down':
        this.#down = { mode: ask('mode') || 'off', path: ask('path') };
        return answer({});
      case '/_deactivate':
        this.#accounts.deactivate(ask('login'));
        return answer({});
      case '/_issued':
        return answer(this.#issued);
      case '/_requests':
        return answer(this.#requests);
      default:
        return response.writeHead(404).end();
    }
  }

  /** Notes a request; true when the provider plays dead for it. */
  hinders(request, response) {
    const { method, url, headers } = request;
    const path = new URL(url, 'http://provider.invalid').pathname;
    const entry = { method, url, path, referer: headers.referer ?? '' };
    this.#requests.push(entry);
    this.#entries.set(request, entry);
    if (this.#down.path && this.#down.path !== path) {
      return false;
    }
    switch (this.#down.mode) {
      case '503':
        response.writeHead(503, { 'content-type': 'text/plain' }).end('out of order');
        return true;
      case 'reset':
        request.socket.destroy();
        return true;
      case 'hang':
        return true;
      default:
        return false;
    }
  }

  /** Remembers what a response of the provider handed out. */
  note(ctx) {
    if (ctx.path === '/oauth/token' && ctx.body?.token_type) {
      const { id_token, access_token, refresh_token } = ctx.body;
      this.#issued.push(...[id_token, access_token, refresh_token].filter(Boolean));
    }
    if (ctx.oidc?.params?.grant_type) {
      Object.assign(this.#entries.get(ctx.req), { grant: ctx.oidc.params.grant_type, status: ctx.status });
    }
    const location = ctx.response.get('location');
    const fragment = location?.includes('#') && new URLSearchParams(location.split('#')[1]);
    if (fragment && fragment.get('id_token')) {
      this.#issued.push(fragment.get('id_token'));
    }
  }
}
