// The provider's own pages: sign in, choose an account, consent. Plain forms.

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function page(title, body) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>
<body><main><h1>${title}</h1>${body}</main></body></html>`;
}

const form = (action, body) => `<form method="post" action="${escape(action)}">${body}</form>`;
const button = (text) => `<button type="submit">${text}</button>`;

export function signInPage(base, error = '') {
  return page('Test provider: sign in', `${error ? `<p role="alert">${escape(error)}</p>` : ''}
${form(`${base}/login`, `
<p><label>Login <input name="login" autocomplete="username"></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password"></label></p>
${button('Log in')}`)}
${form(`${base}/cancel`, button('Cancel'))}`);
}

export function choosePage(base, name) {
  return page('Test provider: choose an account', `
${form(`${base}/continue`, button(`Continue as ${escape(name)}`))}
${form(`${base}/other`, button('Use another account'))}`);
}

export function consentPage(base, client) {
  return page('Test provider: consent', `<p>${escape(client)} wants to know who you are.</p>
${form(`${base}/allow`, button('Allow'))}
${form(`${base}/cancel`, button('Deny'))}`);
}

/** Signs out at once, as Auth0 does when the request says who is meant. */
export function signOutPage(logoutForm) {
  return page('Test provider: signing out', `${logoutForm}<script>
const form = document.forms['op.logoutForm'];
form.append(Object.assign(document.createElement('input'), { type: 'hidden', name: 'logout', value: 'yes' }));
form.submit();
</script>`);
}

export function plainPage(title, text) {
  return page(title, `<p>${escape(text)}</p>`);
}
