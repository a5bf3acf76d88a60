// The search page: state, and what changes it. What it shows is in parts.js, what it says in words.js.

import { html, render, useEffect, useRef, useState } from './htm-preact.js'
import { ask, becomeSomebodyElse, explain, feed, suggest, useToken, who } from './server.js'
import { Changes, Compare, Filters, Results, SearchBox, Token, Why } from './parts.js'
import { changes, moved } from './words.js'

const TYPING = 140 // milliseconds without a key, after which what is half typed is asked
const keyOf = (text, filters) => JSON.stringify([text.trim().toLowerCase(), [...filters].sort()])

function Page() {
  const [text, setText] = useState(new URLSearchParams(location.search).get('q') || '')
  const [filters, setFilters] = useState([])
  const [page, setPage] = useState(null)
  const [plain, setPlain] = useState(null) // the answer without learning, where it is wanted
  const [comparing, setComparing] = useState(false)
  const [moves, setMoves] = useState([])
  const [done, setDone] = useState({}) // entity id -> events sent for this page
  const [problem, setProblem] = useState(null)
  const [why, setWhy] = useState(null)
  const [busy, setBusy] = useState(false)
  const shown = useRef(new Map()) // question -> its last results
  const mine = useRef(new Map()) // question -> ids that this person chose
  const running = useRef(null)
  const timer = useRef(0)

  async function search(wanted, conditions, settled) {
    running.current?.abort()
    const control = running.current = new AbortController()
    const question = keyOf(wanted, conditions)
    setBusy(true)
    try {
      const answer = await ask(wanted, conditions, { settled, signal: control.signal })
      const before = shown.current.get(question)
      const chosen = mine.current.get(question) || new Set()
      // a plain page in place of a late answer was ordered by something else: no move on it was learnt
      setMoves(before && !answer.degraded ? changes(before, answer.results, chosen) : [])
      if (!answer.degraded) shown.current.set(question, answer.results)
      setPage({ ...answer, question, chosen, person: who() })
      setDone({})
      setProblem(null)
      if (comparing) setPlain(await ask(wanted, conditions, { learned: false, signal: control.signal }))
    } catch (error) {
      if (error.name !== 'AbortError') setProblem(error)
    } finally {
      if (running.current === control) setBusy(false)
    }
  }

  function type(wanted) {
    setText(wanted)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => search(wanted, filters, false), TYPING)
  }

  function submit(wanted) {
    clearTimeout(timer.current)
    setText(wanted)
    history.replaceState(null, '', wanted ? `?q=${encodeURIComponent(wanted)}` : location.pathname)
    search(wanted, filters, true)
  }

  function filter(next) {
    setFilters(next)
    search(text, next, true)
  }

  async function act(line, event) {
    const acted = page
    setDone(known => ({ ...known, [line.id]: [...(known[line.id] || []), event] }))
    try {
      await feed(acted, line.id, event)
      if (event !== 'skip') {
        const chosen = new Set(mine.current.get(acted.question)).add(line.id)
        mine.current.set(acted.question, chosen)
      }
      await search(text, filters, false)
      requestAnimationFrame(() => document.getElementById(`line-${line.id}`)?.querySelector('.title')?.focus({ preventScroll: true }))
    } catch (error) {
      setProblem(error)
    }
  }

  async function openWhy(line) {
    const told = page.query_id ? await explain(page.query_id).catch(() => null) : null
    setWhy({ line, page, told })
  }

  async function compare(on) {
    setComparing(on)
    setPlain(on ? await ask(text, filters, { learned: false }).catch(() => null) : null)
  }

  useEffect(() => { search(text, filters, true) }, [])
  useEffect(() => {
    const onKey = event => {
      const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName)
      if (event.key === '/' && !typing) {
        event.preventDefault()
        document.getElementById('q').focus()
      } else if ((event.key === 'j' || event.key === 'k') && !typing && !event.ctrlKey && !event.metaKey) {
        const titles = [...document.querySelectorAll('#results .title')]
        const at = titles.indexOf(document.activeElement)
        titles[Math.max(0, Math.min(titles.length - 1, at + (event.key === 'j' ? 1 : -1)))]?.focus()
      }
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])

  const said = moves.length ? moves.map(one => `${one.title} moved ${moved(one)}: ${one.why}.`).join(' ') : ''
  return html`
    <header>
      <a class="skip" href="#results">Skip to the results</a>
      <p class="brand"><a href="/" aria-label="ltrr, start anew">ltrr</a></p>
      <${SearchBox} text=${text} onType=${type} onSubmit=${submit} suggest=${suggest} />
      <div class="switches">
        <label><input type="checkbox" checked=${comparing} onChange=${event => compare(event.target.checked)} /> Compare with no learning</label>
        <button type="button" class="quiet" onClick=${() => { becomeSomebodyElse(); mine.current.clear(); shown.current.clear(); search(text, filters, true) }}>Be somebody else</button>
        <a href="/dashboard">Dashboard</a>
      </div>
    </header>
    <main aria-busy=${busy}>
      ${problem && html`<p class="notice" role="alert">${problem.message}</p>`}
      ${problem?.status === 401 && problem.code === 'unauthorized' && html`<${Token} onToken=${token => { useToken(token); search(text, filters, true) }} />`}
      ${page?.degraded && html`<p class="notice">The full answer was late: this page is plain full text.</p>`}
      <p class="spoken" role="status" aria-live="polite">${said || (page ? `${page.results.length} results` : '')}</p>
      <${Filters} page=${page} filters=${filters} onChange=${filter} />
      <${Changes} moves=${moves} />
      <div class=${comparing ? 'columns two' : 'columns'}>
        <section aria-labelledby="answer-title">
          <h1 id="answer-title">${text.trim() ? 'Results' : 'Recommended'}</h1>
          ${page && html`<${Results} page=${page} moves=${moves} done=${done} onAct=${act} onWhy=${openWhy} />`}
          ${page && html`<p class="fine">${fine(page)}</p>`}
        </section>
        ${comparing && html`<${Compare} plain=${plain} page=${page} />`}
      </div>
    </main>
    <footer><p>Keys: <kbd>/</kbd> search, <kbd>j</kbd> <kbd>k</kbd> next and previous result, <kbd>Enter</kbd> open, <kbd>Tab</kbd> its buttons, <kbd>Esc</kbd> close.</p></footer>
    ${why && html`<${Why} ...${why} onClose=${() => setWhy(null)} />`}
  `
}

function fine(page) {
  const took = page.took_ms.total === undefined ? '' : `, in ${Math.round(page.took_ms.total)} ms`
  return page.how ? `${page.results.length} of ${page.how.candidates} candidates, ordered by ${page.how.ranker}${took}` : `${page.results.length} results${took}`
}

render(html`<${Page} />`, document.getElementById('page'))
