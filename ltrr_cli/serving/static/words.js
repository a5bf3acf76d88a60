// What happened, in words.

const percent = chance => `${Math.round(chance * 100)} %`

export const counted = (number, one, many = one + 's') => `${number.toLocaleString('en')} ${number === 1 ? one : many}`

/** What each strategy does, for people who meet its name on a badge. */
export const STRATEGIES = {
  lexical: 'the words match',
  popular_lexical: 'the words match, and many choose it',
  structured: 'its type or attributes match',
  fuzzy: 'its name is spelt much like this',
  dense: 'its meaning is near',
  sparse: 'its words often go with these',
  memory: 'people chose it for this or a similar query',
  related: 'it goes with the best results',
  personal: 'it is near to what you chose before',
  popular: 'many choose it lately',
  fresh: 'it is new',
  explore: 'by chance, to learn about it',
}

const listed = words => words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`

export function reading(found) {
  const told = []
  if (!found || !found.tokens.length) return ['Nothing was typed, so these are recommendations.']
  if (found.corrections.length)
    told.push(found.corrections.map(fix => `“${fix.typed}” was taken for “${fix.offered.join(' ')}” (${percent(fix.odds)})`).join('; ') + '.')
  const slots = [...found.slots].sort((a, b) => b.odds - a.odds).slice(0, 4)
  if (slots.length)
    told.push(`It may speak of ${listed(slots.map(slot => `${slot.field} ${slot.value} (${percent(slot.odds)})`))}.`)
  const meant = { spearfishing: 'one certain thing', topic: 'a topic, for which many results will do', mixed: 'either one thing or a topic' }
  const [intent, odds] = Object.entries(found.intent).sort((a, b) => b[1] - a[1])[0] || []
  if (intent) told.push(`Most likely it asks for ${meant[intent]} (${percent(odds)}).`)
  return told.length ? told : ['It was taken word by word.']
}

export function allowed(plan) {
  const drawn = Object.entries(plan.draws).filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1])
  return { drawn, most: Math.max(...drawn.map(([, count]) => count), 1), total: drawn.reduce((sum, [, count]) => sum + count, 0) }
}

export function brought(line) {
  const had = Object.entries(line.sources).sort((a, b) => a[1].rank - b[1].rank)
  if (!had.length) return 'No strategy says that it had this one: it is a plain full-text result.'
  const told = listed(had.map(([name, source]) => `${name} at place ${source.rank}`))
  return `${told} had it.` + (had.length === 1 ? ' No other strategy found it.' : '')
}

export function ranked(line, how) {
  const by = how.ranker === 'fusion' ? 'The strategies’ scores, weighted and added up,' : `The trained ranker (${how.ranker})`
  const odds = line.odds === null ? '' : ` It stands here in ${percent(line.odds)} of all draws.`
  return `${by} put it at position ${line.position} of ${counted(how.candidates, 'candidate')}.${odds}`
}

/** Who chose a result for this query: "you and 3 others chose this". */
export function chosen(people, mine) {
  if (mine && people > 1) return `you and ${counted(people - 1, 'other')} chose this`
  if (mine) return 'you chose this'
  return people ? `${counted(people, 'person', 'people')} chose this` : ''
}

/** What moved between two answers to the same question, best first, each with its reason. */
export function changes(before, after, mine) {
  const was = new Map(before.map(line => [line.id, line]))
  return after
    .map(line => ({ line, from: was.get(line.id)?.position ?? null, old: was.get(line.id) }))
    .filter(({ line, from }) => from === null || from > line.position)
    .map(({ line, from, old }) => ({ id: line.id, title: line.title, from, to: line.position, why: reason(line, old, mine) }))
}

function reason(line, old, mine) {
  const people = chosen(line.chosen_by || 0, mine.has(line.id))
  if (people) return people
  const fresh = Object.keys(line.sources).find(name => !old || !(name in old.sources))
  if (fresh && old) return `now ${fresh} brings it too: ${STRATEGIES[fresh] || ''}`
  return 'others were passed over'
}

export const moved = change => change.from === null ? `new at ${change.to}` : `from ${change.from} to ${change.to}`
