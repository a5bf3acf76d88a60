// Stands for OpenSearch's UBI JavaScript collector where that is not at hand: the same classes, the same requests.
// A shop that has the collector keeps it, and changes the one address that it is given.

export class UbiClient {
  constructor(baseUrl) {
    this.eventUrl = `${baseUrl}/ubi_events`
    this.queryUrl = `${baseUrl}/ubi_queries`
  }

  trackEvent(event) { return this.#post(this.eventUrl, [event]) }

  trackQuery(query) { return this.#post(this.queryUrl, [query]) }

  async #post(url, records) {
    const headers = { 'Content-Type': 'application/json', Accept: 'application/json' }
    return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(records) })).json()
  }
}

export class UbiEvent {
  constructor(application, action_name, client_id, session_id, query_id, event_attributes, message = null) {
    const timestamp = new Date().toISOString()
    Object.assign(this, { application, action_name, client_id, session_id, query_id, event_attributes, timestamp })
    Object.assign(this, { user_id: '', message_type: 'INFO', message: message || '' })
  }
}

export class UbiEventAttributes {
  constructor(object_id_field, object_id, description, details) {
    this.object = { ...details, object_id, object_id_field, description }
  }
}
