// Keeps the page for use without a network. VERSION is the digest of all its files, set when the page is made: another
// one is another cache. A file of the page comes from the cache, so that all files are of one version. A new version
// takes over once no page of the old one is open, or the only one is loaded again. Other pages of the same server may
// have caches, too, which are theirs.
const OURS = `bootllama ${self.registration.scope} `;
const CACHE = `${OURS}@VERSION@`;
const ICON = '<link rel="icon" href="icon.svg">'; // a browser asks for another one where a page names none
const FILES = "@FILES@".split(" ");

self.addEventListener("install", event => {
    const requests = FILES.map(file => new Request(file, { cache: "no-cache" }));
    event.waitUntil(caches.open(CACHE).then(cache => cache.addAll(requests)));
});

self.addEventListener("activate", event => {
    const is_old = name => name.startsWith(OURS) && name !== CACHE;
    event.waitUntil(caches.keys().then(names => Promise.all(names.filter(is_old).map(name => caches.delete(name)))));
});

self.addEventListener("message", () => self.skipWaiting()); // from answer() of the version before

/** Whether this is the page itself, loaded while a new version waits and no other page is open. */
async function gives_way(request) {
    return request.mode === "navigate" && self.registration.waiting !== null
        && (await self.clients.matchAll({ type: "window" })).length < 2;
}

/** A file of the page, or what the network has. Where a new version takes over, the page is loaded once more. */
async function answer(request) {
    if (await gives_way(request)) {
        self.registration.waiting.postMessage("");
        return new Response(ICON, { headers: { "Content-Type": "text/html", Refresh: "0" } });
    }
    const cache = await caches.open(CACHE);
    return await cache.match(request, { ignoreSearch: true }) ?? fetch(request);
}

self.addEventListener("fetch", event => {
    event.respondWith(answer(event.request));
});
