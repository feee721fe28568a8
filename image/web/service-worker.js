// Keeps the page for use without a network. VERSION is the digest of all its files, set when the page is made: another
// one is another cache. A file of the page comes from the cache, so that all files are of one version; a new version
// takes over once no page of the old one is open.
const VERSION = "@VERSION@";
const FILES = "@FILES@".split(" ");

self.addEventListener("install", event => {
    const requests = FILES.map(file => new Request(file, { cache: "no-cache" }));
    event.waitUntil(caches.open(VERSION).then(cache => cache.addAll(requests)));
});

self.addEventListener("activate", event => {
    event.waitUntil(caches.keys()
        .then(names => Promise.all(names.filter(name => name !== VERSION).map(name => caches.delete(name)))));
});

self.addEventListener("fetch", event => {
    event.respondWith(caches.open(VERSION)
        .then(cache => cache.match(event.request, { ignoreSearch: true }))
        .then(found => found ?? fetch(event.request)));
});
