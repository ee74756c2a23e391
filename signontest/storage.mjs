/**
 * Everything a page's scripts can keep: runs in the page.
 * @returns {Promise<Record<string, string>>} content by place
 */
export async function inspectStorage() {
  const found = { 'document.cookie': document.cookie };
  for (const [place, store] of [['localStorage', localStorage], ['sessionStorage', sessionStorage]]) {
    for (let i = 0; i < store.length; i++) {
      found[`${place} ${store.key(i)}`] = store.getItem(store.key(i));
    }
  }
  const whole = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  for (const { name } of await indexedDB.databases()) {
    const database = await whole(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      const content = database.transaction(store).objectStore(store);
      found[`indexedDB ${name}/${store}`] = JSON.stringify(await whole(content.getAll()));
    }
    database.close();
  }
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const response = await cache.match(request);
      found[`cache ${name} ${request.url}`] = await response.text();
    }
  }
  for (const { scope, active } of await navigator.serviceWorker?.getRegistrations() ?? []) {
    found[`service worker of ${scope}`] = active?.scriptURL ?? '';
  }
  return found;
}
