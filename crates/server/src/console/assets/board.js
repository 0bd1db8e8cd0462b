// Without this the pages of the mappings work by their buttons; with it stages are dragged, by pointer or keys,
// and the effect of what is filled in follows.

const form = document.getElementById("mapping");
const effect = document.getElementById("effect");
const spoken = document.getElementById("spoken");
const say = (text) => { if (spoken) spoken.textContent = text; };

let changed = form.hasAttribute("data-changed");
let leaving = false;
form.addEventListener("submit", () => { leaving = true; });
addEventListener("pageshow", () => { leaving = false; });
addEventListener("beforeunload", (event) => { if (changed && !leaving) event.preventDefault(); });
for (const link of form.querySelectorAll(".savebar a")) link.addEventListener("click", () => { leaving = true; });

// The effect, a moment after the last change; an older question that is still open is dropped.
let timer;
let asking;
const ask = async () => {
  asking?.abort();
  asking = new AbortController();
  try {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.dataset.preview, { method: "POST", body, signal: asking.signal });
    if (answer.redirected || answer.status === 401) {
      effect.textContent = "You are signed out. Sign in again in another tab, then go on here: nothing is lost.";
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    effect.replaceChildren(...(page.querySelector("main") ?? page.body).childNodes);
    if (typeof localTimes === "function") localTimes(effect);
    effect.classList.remove("stale");
  } catch (error) {
    if (error.name === "AbortError") return;
    effect.textContent = "The effect cannot be told just now: the service does not answer.";
  }
};
const touched = () => {
  changed = true;
  effect.classList.add("stale");
  clearTimeout(timer);
  timer = setTimeout(ask, 350);
};

// What was done, each with the way back.
const done = [];
const undo = document.getElementById("undo");
const record = (back) => {
  done.push(back);
  if (undo) undo.disabled = false;
};
const takeBack = () => {
  const back = done.pop();
  if (!back) return;
  back();
  if (undo) undo.disabled = done.length === 0;
  touched();
};
if (undo) {
  undo.hidden = false;
  undo.addEventListener("click", takeBack);
}
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches?.("input:not([type=checkbox]), textarea");
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z" && !typing) {
    event.preventDefault();
    takeBack();
  }
});

// The value of each field before the change, so that it can be taken back.
const valueOf = (field) => (field.type === "checkbox" ? field.checked : field.value);
const restore = (field, value) => {
  if (field.type === "checkbox") field.checked = value; else field.value = value;
  before.set(field, value);
};
const before = new WeakMap();
for (const field of form.elements) before.set(field, valueOf(field));
form.addEventListener("input", (event) => {
  if (event.target.matches("input, textarea")) touched();
});
form.addEventListener("change", (event) => {
  const field = event.target;
  const old = before.get(field);
  const card = field.matches("select") && field.closest("[data-stage]");
  if (card) {
    const to = field.value;
    field.value = old;
    return move([card], to);
  }
  if (old !== undefined && old !== valueOf(field)) {
    record(() => restore(field, old));
    before.set(field, valueOf(field));
  }
  touched();
});

const zones = document.getElementById("zones");
if (zones && Intl.supportedValuesOf) {
  document.getElementById("zone").addEventListener("focus", () => {
    zones.replaceChildren(...Intl.supportedValuesOf("timeZone").map((zone) => new Option(zone, zone)));
  }, { once: true });
}

// The board.
const columns = () => [...form.querySelectorAll("[data-group]")];
const cards = () => [...form.querySelectorAll("[data-stage]")];
const column = (code) => columns().find((one) => one.dataset.group === code);
const nameOf = (group) => group.querySelector("h2").textContent;
const textOf = (card) => card.querySelector(".grip").textContent;
const chosen = (card) => card.querySelector("select");

const tally = () => {
  for (const group of columns()) {
    const open = [...group.querySelectorAll("[data-stage]")].reduce((sum, card) => sum + Number(card.dataset.open), 0);
    group.querySelector(".grouphead b").textContent = open.toLocaleString("en-US");
    // What a group has of its own; those of no group have none.
    const own = [...group.querySelectorAll(".days input")].find((input) => !input.closest("[data-stage]"));
    const days = own?.value.trim() || "–";
    for (const input of group.querySelectorAll("[data-stage] .days input")) input.placeholder = days;
  }
  const accept = document.getElementById("accept");
  if (accept) {
    const all = sure(accept.dataset.sure).length;
    accept.querySelector("span").textContent = all;
    accept.hidden = all === 0;
  }
};
const put = (card, code, next) => {
  column(code).querySelector(".stages").insertBefore(card, next);
  chosen(card).value = code;
  before.set(chosen(card), code);
  const chip = card.querySelector(".chip");
  if (chip) chip.hidden = chip.querySelector("button").dataset.suggested === code;
};
const move = (moved, code) => {
  const places = moved
    .filter((card) => chosen(card).value !== code)
    .map((card) => ({ card, from: chosen(card).value, next: card.nextElementSibling }));
  if (places.length === 0) return false;
  const focused = document.activeElement;
  for (const { card } of places) put(card, code, null);
  record(() => {
    for (const { card, from, next } of [...places].reverse()) {
      const home = column(from).querySelector(".stages");
      put(card, from, next?.parentElement === home ? next : null);
    }
    tally();
    say("Taken back.");
  });
  if (form.contains(focused)) focused.focus({ preventScroll: true });
  tally();
  touched();
  say(`${places.length === 1 ? textOf(places[0].card) : `${places.length} stages`} moved to ${nameOf(column(code))}.`);
  return true;
};

const sure = (least) => [...form.querySelectorAll("[data-group=UNMAPPED] [data-suggested]")]
  .filter((button) => Number(button.dataset.confidence) >= Number(least));
form.addEventListener("click", (event) => {
  const accept = event.target.closest("#accept");
  const take = event.target.closest("[data-suggested]");
  if (take) {
    event.preventDefault();
    const card = take.closest("[data-stage]");
    move([card], take.dataset.suggested);
    // The button is gone now.
    if (event.detail === 0) card.querySelector(".grip").focus({ preventScroll: true });
  } else if (accept) {
    event.preventDefault();
    const all = sure(accept.dataset.sure).map((button) => [button.closest("[data-stage]"), button.dataset.suggested]);
    const mark = done.length;
    for (const [card, code] of all) move([card], code);
    const backs = done.splice(mark);
    if (backs.length > 0) record(() => { for (const back of backs.reverse()) back(); });
    say(`${all.length} suggestions accepted. Save to keep them.`);
    if (accept.hidden) undo?.focus({ preventScroll: true });
  }
});

// What is selected; a card that is moved takes the others along.
let anchor;
const picked = () => cards().filter((card) => card.classList.contains("picked"));
const pick = (card, on) => {
  card.classList.toggle("picked", on);
  card.querySelector(".grip").setAttribute("aria-pressed", String(on));
};
const only = (card) => {
  for (const other of picked()) pick(other, false);
  if (card) pick(card, true);
};
const select = (card, event) => {
  if (event.shiftKey && anchor) {
    const all = cards();
    const [from, to] = [all.indexOf(anchor), all.indexOf(card)].sort((a, b) => a - b);
    for (const one of all) pick(one, all.indexOf(one) >= from && all.indexOf(one) <= to);
  } else if (event.ctrlKey || event.metaKey) {
    pick(card, !card.classList.contains("picked"));
    anchor = card;
  } else {
    only(card);
    anchor = card;
  }
  say(`${picked().length} selected.`);
};
const taken = (card) => (card.classList.contains("picked") ? picked() : [card]);

// By keys: what is carried follows the arrows from group to group.
let carried;
const target = (code) => { for (const group of columns()) group.classList.toggle("over", group.dataset.group === code); };
const lift = (card) => {
  carried = { moved: taken(card), from: chosen(card).value, code: chosen(card).value };
  for (const one of carried.moved) one.classList.add("carried");
  target(carried.code);
  say(`${carried.moved.length === 1 ? textOf(card) : `${carried.moved.length} stages`} picked up in ${nameOf(column(carried.code))}. Arrows choose the group, Enter drops, Escape cancels.`);
};
const drop = (keep) => {
  const { moved, code } = carried;
  for (const one of moved) one.classList.remove("carried");
  carried = undefined;
  target(undefined);
  if (!keep) return say("Cancelled: nothing moved.");
  if (move(moved, code)) only(undefined); else say("Dropped where it was.");
};
const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
const key = (event, card) => {
  const step = steps[event.key];
  if (carried) {
    if (step) {
      const all = columns();
      const place = all.findIndex((group) => group.dataset.group === carried.code) + step;
      const group = all[Math.min(Math.max(place, 0), all.length - 1)];
      carried.code = group.dataset.group;
      target(carried.code);
      group.scrollIntoView({ block: "nearest" });
      say(nameOf(group));
    } else if (event.key === "Enter" || event.key === " ") {
      drop(true);
    } else if (event.key === "Escape") {
      drop(false);
    } else if (event.key !== "Tab") {
      return;
    } else {
      drop(false);
      return;
    }
  } else if (event.key === "Enter" || event.key === " ") {
    if (event.ctrlKey || event.metaKey) select(card, event); else lift(card);
  } else if (event.key === "Escape") {
    only(undefined);
    say("Nothing selected.");
  } else if (step) {
    const all = cards();
    const next = all[all.indexOf(card) + step];
    if (!next) return;
    if (event.shiftKey) {
      if (!anchor) anchor = card;
      select(next, event);
    }
    next.querySelector(".grip").focus();
  } else return;
  event.preventDefault();
};

// By pointer, mouse or finger.
let drag;
const begin = (event, card) => {
  if (event.button !== 0 || event.target.closest("select, input, label, a, button:not(.grip)")) return;
  if (event.pointerType !== "mouse" && !event.target.closest(".grip")) return;
  drag = { card, x: event.clientX, y: event.clientY, id: event.pointerId };
};
const follow = (event) => {
  if (!drag || event.pointerId !== drag.id) return;
  if (!drag.ghost) {
    if (Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < 6) return;
    drag.moved = taken(drag.card);
    drag.ghost = document.createElement("div");
    drag.ghost.className = "ghost";
    drag.ghost.textContent = drag.moved.length === 1 ? textOf(drag.card) : `${drag.moved.length} stages`;
    document.body.append(drag.ghost);
    document.body.classList.add("dragging");
    for (const one of drag.moved) one.classList.add("carried");
    requestAnimationFrame(creep);
  }
  event.preventDefault();
  drag.ghost.style.transform = `translate(${event.clientX + 12}px, ${event.clientY + 12}px)`;
  drag.at = [event.clientX, event.clientY];
  aim();
};
const aim = () => {
  drag.code = document.elementFromPoint(...drag.at)?.closest("[data-group]")?.dataset.group;
  target(drag.code);
};
// Near the edge of the window the page moves on by itself.
const creep = () => {
  if (!drag?.ghost) return;
  const y = drag.at?.[1] ?? innerHeight / 2;
  const step = y < 70 ? -10 : y > innerHeight - 110 ? 10 : 0;
  if (step) {
    scrollBy(0, step);
    aim();
  }
  requestAnimationFrame(creep);
};
const end = (event, keep) => {
  if (!drag || event.pointerId !== drag.id) return;
  const { card, ghost, moved, code } = drag;
  drag = undefined;
  if (!ghost) return;
  ghost.remove();
  document.body.classList.remove("dragging");
  for (const one of moved) one.classList.remove("carried");
  target(undefined);
  // The click that ends a drag selects nothing.
  card.dataset.dragged = "";
  setTimeout(() => delete card.dataset.dragged, 0);
  if (keep && code && move(moved, code)) only(undefined);
};
addEventListener("pointermove", follow);
addEventListener("pointerup", (event) => end(event, true));
addEventListener("pointercancel", (event) => end(event, false));
addEventListener("keydown", (event) => { if (drag && event.key === "Escape") end({ pointerId: drag.id }, false); });

for (const card of cards()) {
  const text = card.querySelector(".text");
  const grip = document.createElement("button");
  grip.type = "button";
  grip.className = "grip";
  grip.textContent = text.textContent;
  grip.setAttribute("aria-pressed", "false");
  grip.setAttribute("aria-describedby", "board-help");
  text.replaceWith(grip);
  card.addEventListener("pointerdown", (event) => begin(event, card));
  grip.addEventListener("click", (event) => {
    // Keys are handled below; a pointer selects.
    if (event.detail > 0 && !("dragged" in card.dataset)) select(card, event);
  });
  grip.addEventListener("keydown", (event) => key(event, card));
  // A button presses itself when the space bar comes up.
  grip.addEventListener("keyup", (event) => { if (event.key === " ") event.preventDefault(); });
}
if (cards().length > 0) {
  tally();
  form.addEventListener("input", (event) => { if (event.target.closest(".group > .days")) tally(); });
}
document.documentElement.classList.add("ready");
if (changed) effect.classList.remove("stale");
