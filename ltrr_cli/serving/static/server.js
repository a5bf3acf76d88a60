// What the page asks of the server. Who somebody is stays on this device: a random name that can be changed.

const IDENTITY = 'ltrr.person', TOKEN = 'ltrr.token'

function remembered(store, key, make) {
  try {
    const known = store.getItem(key)
    if (known) return known
    const made = make()
    if (made) store.setItem(key, made)
    return made
  } catch {
    return make() // storage is switched off: a new name for every visit
  }
}

const random = () => 'p-' + Array.from(crypto.getRandomValues(new Uint8Array(9)), byte => byte.toString(36)).join('')

let person = remembered(window.localStorage, IDENTITY, random)
const session = random()

export const who = () => person

export function becomeSomebodyElse() {
  try { window.localStorage.removeItem(IDENTITY) } catch { /* storage is switched off */ }
  person = remembered(window.localStorage, IDENTITY, random)
}

export function useToken(token) {
  try { window.sessionStorage.setItem(TOKEN, token) } catch { /* storage is switched off */ }
}

/** A refusal of the server: `status`, `code`, and its sentence as the message. */
export class Refused extends Error {
  constructor(problem) {
    super([problem.detail || problem.title, problem.hint].filter(Boolean).join('. '))
    this.status = problem.status
    this.code = problem.code
  }
}

async function call(path, body, signal) {
  const headers = {}
  let token = ''
  try { token = window.sessionStorage.getItem(TOKEN) || '' } catch { /* storage is switched off */ }
  if (token) headers.Authorization = `Bearer ${token}`
  if (body) headers['Content-Type'] = 'application/json'
  const response = await fetch(path, { method: body ? 'POST' : 'GET', headers, signal, body: body && JSON.stringify(body) })
  const answer = await response.json()
  if (!response.ok) throw new Refused(answer)
  return answer
}

/** Ask; `settled` is false for what is half typed, which never counts as a page that nobody clicked. */
export const ask = (text, filters, { settled = true, learned = true, signal } = {}) =>
  call('/v1/query', { text, filters, k: 10, user: person, session, seed: seedOf(text, filters), explain: true, live: settled, learned }, signal)

/** The same question draws the same allocation for one visit, so that what changes between two answers was learnt. */
function seedOf(text, filters) {
  let hash = 2166136261
  for (const character of JSON.stringify([session, text.trim().toLowerCase(), filters])) hash = Math.imul(hash ^ character.codePointAt(0), 16777619) >>> 0
  return hash
}

export const feed = (page, entity, event) => call('/v1/feedback', { event, query_id: page.query_id, entity_id: entity, user_id: person, session_id: session })

export const explain = id => call(`/v1/explain/${encodeURIComponent(id)}`)

export const entityOf = id => call(`/v1/entities/${id.split('/').map(encodeURIComponent).join('/')}`)

export const suggest = (text, signal) => call(`/v1/suggest?k=8&q=${encodeURIComponent(text.slice(0, 256))}`, undefined, signal)
