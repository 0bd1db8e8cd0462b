// Without this every page works; with it times are in the viewer's zone, and pages follow what happens.

const localTimes = (root) => {
  const parts = { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
  const plain = new Intl.DateTimeFormat(undefined, parts);
  const exact = new Intl.DateTimeFormat(undefined, { ...parts, second: "2-digit" });
  for (const time of root.querySelectorAll("time[datetime]")) {
    const format = time.dataset.seconds === undefined ? plain : exact;
    // Where there is no room for all of it, the hour begins the next line.
    time.textContent = format.format(new Date(time.dateTime)).split(", ").map((part) => part.replaceAll(" ", "\u00a0").replaceAll("-", "\u2011")).join(", ");
  }
};

// Each part that is shown, as the service made it.
const made = new WeakMap();
const parts = (of) => of.querySelectorAll("[data-live-part]");
for (const part of parts(document)) made.set(part, part.outerHTML);

// Puts what has changed on the server in place of what the page shows; what somebody is at is left alone. Tells whether
// something was left, and whether there is more to follow.
const refresh = async () => {
  const answer = await fetch(location.href, { headers: { accept: "text/html", "x-fulcrum-part": "1" } });
  if (!answer.ok || answer.redirected) return location.reload();
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  let left = false;
  for (const part of parts(document)) {
    const next = fresh.getElementById(part.id);
    if (!next || made.get(part) === next.outerHTML) continue;
    if (part.contains(document.activeElement) || part.querySelector("details[open], input[type=checkbox]:checked")) {
      left = true;
      continue;
    }
    made.set(next, next.outerHTML);
    part.replaceWith(next);
    localTimes(next);
  }
  // These stay in place, so that a screen reader says what is new.
  for (const said of document.querySelectorAll("[data-live-said]")) {
    const next = fresh.getElementById(said.id);
    if (next && next.textContent !== said.textContent) said.textContent = next.textContent;
  }
  followImport();
  return { left, goesOn: fresh.querySelector("[data-live]") !== null };
};

// A first import: the title of the tab tells how it goes, and its end is told by the browser where somebody asked for that.
const title = document.title;
const told = document.querySelector("[data-tell-me]");
const hint = document.querySelector("[data-tell-me-hint]");
let importing = document.querySelector("[data-import=running]") !== null;
const notices = "Notification" in window && window.isSecureContext;
// Kept for this tab, so that whoever leaves the page and comes back is still told.
const wish = `told of ${location.pathname}`;
let wanted = notices && Notification.permission === "granted" && sessionStorage.getItem(wish) !== null;

const hinted = (text) => {
  hint.textContent = text;
};

const followImport = () => {
  const now = document.querySelector("[data-import]");
  if (!importing || !now || now.dataset.import !== "complete") return;
  importing = false;
  // That it was started is no news any more.
  document.querySelector("[data-just-done]")?.remove();
  document.title = `Import complete · ${title}`;
  if (told) {
    told.hidden = true;
    hinted("");
  }
  if (!wanted) return;
  sessionStorage.removeItem(wish);
  try {
    new Notification("The first import is complete", { body: now.dataset.name, tag: location.pathname });
  } catch {
    // Browsers of phones have the word and not the thing: the title says it.
  }
};

if (importing) document.title = `Importing · ${title}`;
const toldLater = () => {
  told.hidden = true;
  hinted("You will be told when it is done, as long as this page is open.");
};
if (told && !notices) hinted("The title of this page says when it is done.");
else if (told && wanted) toldLater();
else if (told) {
  told.hidden = false;
  hinted("This page has to stay open for that; the import goes on without it.");
  told.addEventListener("click", async () => {
    wanted = (await Notification.requestPermission()) === "granted";
    if (!wanted) return hinted("Your browser does not let this page tell you: its title says when it is done.");
    sessionStorage.setItem(wish, "");
    toldLater();
  });
}

// As long as a browser waits before it tries again.
const RETRY_MS = 3000;
// What is back at once was not gone: a proxy ends what is open for long, and the browser asks again.
const GONE_MS = 5000;

// Says that the service is not there, and that what is shown is of then. The place for it is there from the beginning and
// is filled once, so that a screen reader says it once, however often the browser tries again.
const absence = () => {
  const place = document.createElement("div");
  place.setAttribute("role", "status");
  document.querySelector("main").prepend(place);
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  let waiting;
  const say = (since) => {
    place.className = "notice warn";
    place.textContent = `Not connected since ${clock.format(since)}: this page shows what was known then. It goes on by itself once the service is back.`;
  };
  return {
    begin: () => {
      waiting ??= setTimeout(say, GONE_MS, new Date());
    },
    over: () => {
      clearTimeout(waiting);
      waiting = undefined;
      place.className = "";
      place.textContent = "";
    },
  };
};

const follow = (source) => {
  let asked = false;
  let busy = false;
  const run = async () => {
    if (busy) return;
    busy = true;
    while (asked) {
      asked = false;
      const seen = await refresh().catch(() => {});
      if (seen?.left) addEventListener("focusout", look, { once: true });
      if (seen && !seen.goesOn) {
        over = true;
        events.close();
      }
    }
    busy = false;
  };
  const lost = absence();
  let events;
  const look = () => {
    asked = true;
    run();
  };
  let over = false;
  // A browser has few connections for one address, so a page that nobody sees takes none, and looks anew when it is seen;
  // but for an import, whose title is seen.
  const unseen = () => document.hidden && !importing;
  const listen = () => {
    if (over || unseen() || (events && events.readyState !== EventSource.CLOSED)) return;
    events = new EventSource(source);
    events.addEventListener("open", lost.over);
    events.addEventListener("changed", look);
    events.addEventListener("error", () => {
      lost.begin();
      if (events.readyState === EventSource.CLOSED) setTimeout(again, RETRY_MS);
    });
  };
  document.addEventListener("visibilitychange", () => {
    if (!unseen()) return listen();
    lost.over();
    events?.close();
  });
  // Closed for good: nobody is signed in any more, or something before the service answers in its place. What is shown
  // would only grow old, so the page asks anew, once there is one to be had.
  const again = async () => {
    const answer = await fetch(location.href, { headers: { accept: "text/html", "x-fulcrum-part": "1" } }).catch(() => undefined);
    if (answer && answer.status < 500) location.reload();
    else setTimeout(again, RETRY_MS);
  };
  addEventListener("pagehide", () => {
    lost.over();
    events?.close();
  });
  // A page that comes back from the browser's memory goes on.
  addEventListener("pageshow", listen);
};

localTimes(document);
// Of a row of tabs that is wider than the screen, the one that is shown is in sight.
const tabs = document.querySelector(".tabs ul");
const here = tabs?.querySelector("[aria-current]");
if (here) tabs.scrollLeft = here.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - here.offsetWidth) / 2;
const live = document.querySelector("[data-live]");
if (live) follow(live.dataset.live);

// A link that the service cannot make whole, since it does not know what it is called outside.
const made_link = document.querySelector("input[data-whole]");
if (made_link) {
  made_link.value = new URL(made_link.value, location.href).href;
  document.querySelector("[data-not-whole]").hidden = true;
}

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
    button.textContent = "Copied";
  });
}

for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!confirm(form.dataset.confirm)) event.preventDefault();
  });
}

// Whoever leaves a form that holds what is not saved is asked first.
for (const form of document.querySelectorAll("form[data-unsaved]")) {
  let changed = form.hasAttribute("data-changed");
  let leaving = false;
  form.addEventListener("input", () => { changed = true; });
  form.addEventListener("submit", () => { leaving = true; });
  addEventListener("pageshow", () => { leaving = false; });
  addEventListener("beforeunload", (event) => { if (changed && !leaving) event.preventDefault(); });
}

// Where a page of a long search has found nobody, the search goes on by itself; the way back leads before it.
const on = document.querySelector("[data-go-on] a[rel=next]");
if (on) location.replace(on.href);

// After a refusal, who cannot see is led to it: the first field that is wrong, or else what is said of the whole.
const wrong = document.querySelector("main [aria-invalid=true]") ?? document.querySelector("main .notice.bad[role=alert]");
if (wrong && !wrong.hasAttribute("autofocus")) {
  if (wrong.matches("div, fieldset")) wrong.tabIndex = -1;
  wrong.focus();
}
