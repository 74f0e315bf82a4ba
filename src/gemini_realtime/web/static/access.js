// The secret of the page: from its address, where it does not stay, to this tab and origin.

const KEPT = "secret";

export class WrongSecret extends Error {}

export const secret = () => sessionStorage.getItem(KEPT);
export const keep = (given) => sessionStorage.setItem(KEPT, given);

// Take the secret, or a ticket for it, out of the address.
export async function enter() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (given.has("secret") || given.has("ticket")) history.replaceState(null, "", location.pathname);
  if (given.has("secret")) keep(given.get("secret"));
  if (!given.has("ticket")) return;
  const answer = await fetch("/enter", { method: "POST", headers: { "X-Ticket": given.get("ticket") } });
  if (answer.ok) keep((await answer.json()).secret);
}

// What there is to know about the agent before a conversation.
export async function about() {
  if (secret() === null) throw new WrongSecret();
  const answer = await fetch("/about", { headers: { Authorization: `Bearer ${encodeURIComponent(secret())}` } });
  if (answer.status === 401) throw new WrongSecret();
  if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
  return answer.json();
}
