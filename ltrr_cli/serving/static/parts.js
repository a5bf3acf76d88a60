// What the page shows.

import { html, useEffect, useRef, useState } from './htm-preact.js'
import { entityOf } from './server.js'
import { STRATEGIES, allowed, brought, chosen, counted, moved, ranked, reading } from './words.js'

const MOST_VALUES = 8 // values offered as filters
const MOST_ATTRIBUTES = 4
const PAUSE = 80 // milliseconds without a key, after which completions are asked for

export function SearchBox({ text, onType, onSubmit, suggest }) {
  const [offers, setOffers] = useState([])
  const [at, setAt] = useState(-1)
  const [open, setOpen] = useState(false)
  const timer = useRef(0), running = useRef(null)

  function typed(value) {
    onType(value)
    setAt(-1)
    clearTimeout(timer.current)
    running.current?.abort()
    timer.current = setTimeout(async () => {
      const control = running.current = new AbortController()
      const found = value.trim() ? await suggest(value, control.signal).catch(() => null) : { suggestions: [] }
      if (found && running.current === control) {
        setOffers(found.suggestions)
        setOpen(found.suggestions.length > 0 && document.activeElement?.id === 'q')
      }
    }, PAUSE)
  }

  function take(value) {
    clearTimeout(timer.current)
    running.current?.abort()
    setOpen(false)
    setAt(-1)
    onSubmit(value)
  }

  function onKey(event) {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (!offers.length) return
      event.preventDefault()
      setOpen(true)
      const step = event.key === 'ArrowDown' ? 1 : -1
      setAt(now => (now + step + offers.length + 1 + 1) % (offers.length + 1) - 1)
    } else if (event.key === 'Escape') {
      setOpen(false)
      setAt(-1)
    }
  }

  const shown = open && offers.length > 0
  return html`
    <form role="search" onSubmit=${event => { event.preventDefault(); take(at >= 0 ? offers[at].text : text) }}>
      <label class="spoken" for="q">Search</label>
      <input id="q" type="search" value=${text} placeholder="Search, or leave empty for recommendations"
        autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="search" maxlength="8192"
        role="combobox" aria-expanded=${shown} aria-controls="offers" aria-autocomplete="list"
        aria-activedescendant=${shown && at >= 0 ? `offer-${at}` : undefined}
        onInput=${event => typed(event.target.value)} onKeyDown=${onKey} onBlur=${() => setTimeout(() => setOpen(false), 150)} />
      <ul id="offers" role="listbox" aria-label="Completions" hidden=${!shown}>
        ${offers.map((offer, place) => html`
          <li id=${`offer-${place}`} role="option" aria-selected=${place === at} onMouseDown=${event => { event.preventDefault(); take(offer.text) }}>
            <span>${offer.text}</span> <span class="fine">${offer.kind === 'value' ? offer.field : offer.kind === 'query' ? 'asked before' : ''}</span>
          </li>`)}
      </ul>
    </form>`
}

/** Conditions in force, and those that the results suggest: types, and values that some but not all of them have. */
export function Filters({ page, filters, onChange }) {
  if (!page) return null
  const counts = new Map()
  const count = (field, value) => counts.set(`${field}=${value}`, (counts.get(`${field}=${value}`) || 0) + 1)
  for (const line of page.results) {
    if (line.type) count('type', line.type)
    for (const [field, value] of Object.entries(line.attributes))
      for (const one of Array.isArray(value) ? value : typeof value === 'string' && value.length < 30 ? [value] : [])
        count(field, one)
  }
  const all = page.results.length
  const types = [...counts].filter(([name, number]) => name.startsWith('type=') && number < all)
  const values = [...counts].filter(([name, number]) => !name.startsWith('type=') && number > 1 && number < all)
  const offered = [...types, ...values.sort((a, b) => b[1] - a[1]).slice(0, MOST_VALUES)].map(([name]) => name).filter(name => !filters.includes(name))
  if (!filters.length && !offered.length) return null
  return html`
    <div class="filters" role="group" aria-label="Filters">
      ${filters.map(name => html`<button type="button" key=${name} class="chip on" aria-pressed="true" onClick=${() => onChange(filters.filter(one => one !== name))}>${label(name)} <span aria-hidden="true">×</span></button>`)}
      ${offered.map(name => html`<button type="button" key=${name} class="chip" aria-pressed="false" onClick=${() => onChange([...filters, name])}>${label(name)}</button>`)}
    </div>`
}

const label = name => name.replace('=', ': ')

/** What moved since the last answer to the same question, and why. */
export function Changes({ moves }) {
  if (!moves.length) return null
  return html`
    <section class="changes" aria-label="What changed">
      <h2>What changed</h2>
      <ul>${moves.slice(0, 3).map(one => html`<li key=${one.id}><strong>${one.title}</strong> ${moved(one)}: ${one.why}</li>`)}</ul>
    </section>`
}

export function Results({ page, moves, done, onAct, onWhy }) {
  if (!page.results.length) return html`<p>Nothing found. Fewer words, or fewer filters?</p>`
  const change = new Map(moves.map(one => [one.id, one]))
  return html`
    <ol id="results" key=${page.person} tabindex="-1">
      ${page.results.map(line => html`<${Result} key=${line.id} line=${line} page=${page} change=${change.get(line.id)} sent=${done[line.id] || []} onAct=${onAct} onWhy=${onWhy} />`)}
    </ol>`
}

function Result({ line, page, change, sent, onAct, onWhy }) {
  const [entity, setEntity] = useState(null)
  const people = chosen(line.chosen_by || 0, page.chosen.has(line.id))

  async function open() {
    if (entity) return setEntity(null)
    setEntity(await entityOf(line.id).catch(() => ({ text: '', attributes: {} })))
    if (!sent.includes('click')) onAct(line, 'click')
  }

  const button = (event, text) => html`<button type="button" disabled=${sent.includes(event)} aria-label=${`${text}: ${line.title}`} onClick=${() => onAct(line, event)}>${text}</button>`
  return html`
    <li id=${`line-${line.id}`} class=${change ? 'result moved' : 'result'}>
      <span class="place" aria-hidden="true">${line.position}</span>
      <div class="what">
        <h2><button type="button" class="title" aria-expanded=${!!entity} onClick=${open}>${line.title}</button>
          ${line.type && html`<span class="type">${line.type}</span>`}
          ${change && html`<span class="up">${change.from === null ? 'new' : `▲ ${change.from - change.to}`}</span>`}</h2>
        <p class="attributes">${attributes(line.attributes)}</p>
        ${people && html`<p class="people">${people}</p>`}
        ${entity && html`<div class="entity"><p>${entity.text || 'Nothing more is known of it.'}</p></div>`}
        <ul class="badges" aria-label="Brought by">
          ${broughtBy(line, page.how?.plan).map(([name, source]) => html`<li key=${name} class=${`badge s-${name}`} title=${STRATEGIES[name] || ''}>${name} <b>${source.rank}</b></li>`)}
        </ul>
      </div>
      <div class="acts">
        ${button('like', 'Like')}${button('play', 'Play')}${button('skip', 'Skip')}
        <button type="button" class="quiet" aria-label=${`Why this? ${line.title}`} onClick=${() => onWhy(line)}>Why this?</button>
      </div>
    </li>`
}

/** Strategies that had a result among the candidates that they were allowed, the best place first. */
function broughtBy(line, plan) {
  const had = Object.entries(line.sources).sort((a, b) => a[1].rank - b[1].rank)
  return plan ? had.filter(([name, source]) => source.rank <= (plan.draws[name] || 0)) : had
}

function attributes(values) {
  return Object.entries(values).slice(0, MOST_ATTRIBUTES)
    .map(([field, value]) => `${field} ${Array.isArray(value) ? value.join(', ') : typeof value === 'string' && value.length > 60 ? value.slice(0, 58) + '…' : value}`).join(' · ')
}

/** The answer that nobody's choices have changed, beside the one that they have. */
export function Compare({ plain, page }) {
  const here = new Set((page?.results || []).map(line => line.id))
  return html`
    <section aria-labelledby="plain-title">
      <h2 id="plain-title">Without learning</h2>
      ${plain ? html`<ol class="plain">${plain.results.map(line => html`<li key=${line.id} class=${here.has(line.id) ? '' : 'other'}><span class="place" aria-hidden="true">${line.position}</span> <span>${line.title}</span> <span class="type">${line.type}</span></li>`)}</ol>
        <p class="fine">Fusion of the catalog’s strategies alone. A dotted line marks what the learned page does not show.</p>` : html`<p>Asking…</p>`}
    </section>`
}

/** The funnel of one page, in words, for one of its results. */
export function Why({ line, page, told, onClose }) {
  const box = useRef(null)
  useEffect(() => {
    box.current.showModal()
    document.getElementById('why-title').focus()
  }, [])
  const how = page.how
  const known = told?.memory.filter(one => one.count > 0) || []
  return html`
    <dialog ref=${box} aria-labelledby="why-title" onClose=${onClose} onClick=${event => event.target === box.current && box.current.close()}>
      <div class="why">
        <div class="head"><h2 id="why-title" tabindex="-1">Why “${line.title}”?</h2><button type="button" onClick=${() => box.current.close()}>Close</button></div>
        ${how && html`
          <h3>How the query was read</h3>
          ${reading(how.reading).map(sentence => html`<p>${sentence}</p>`)}
          <h3>Who was allowed how many</h3>
          <${Allowed} plan=${how.plan} line=${line} />`}
        <h3>Who brought it</h3>
        <p>${brought(line)}</p>
        <ul class="reasons">${Object.keys(line.sources).map(name => html`<li key=${name}><b>${name}</b>: ${STRATEGIES[name] || 'a strategy of this workspace'}</li>`)}</ul>
        ${how && html`<h3>What the ranker made of it</h3><p>${ranked(line, how)}</p>`}
        <h3>What people did</h3>
        <p>${line.chosen_by ? `${counted(line.chosen_by, 'person', 'people')} chose it for this query.` : 'Nobody has chosen it for this query yet.'}
          ${known.length > 0 && ` The memory holds ${counted(known.length, 'result')} for it.`}</p>
      </div>
    </dialog>`
}

function Allowed({ plan, line }) {
  const { drawn, most, total } = allowed(plan)
  return html`
    <p>${counted(total, 'candidate')}, as ${plan.policy} decided:</p>
    <table><caption class="spoken">Candidates allowed by strategy</caption><tbody>
      ${drawn.map(([name, count]) => html`<tr key=${name} class=${name in line.sources ? 'had' : ''}><th scope="row">${name}</th><td><meter min="0" max=${most} value=${count} aria-hidden="true"></meter></td><td>${count}</td></tr>`)}
    </tbody></table>`
}

export function Token({ onToken }) {
  return html`
    <form class="token" onSubmit=${event => { event.preventDefault(); onToken(event.target.elements.token.value.trim()) }}>
      <label for="token">Token</label> <input id="token" name="token" type="password" autocomplete="off" required /> <button>Use it</button>
    </form>`
}
