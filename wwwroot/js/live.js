// Live views over the hub /hubs/workspace (docs/hub.md): one connection per workspace and page, deltas merged here, so that a canvas gets whole, ordered snapshots.
// Holds always: at most one message per subscription is on its way, since the next comes only after the last was drawn and acknowledged.
import './../lib/signalr.min.js';
import { whenGoing } from './pause.js';

const connections = new Map();

/**
 * Watches a view of a workspace.
 * @param {string} workspaceId
 * @param {string} view name of the view
 * @param {object} query fields of its query; addresses as hex strings
 * @param {(snapshot: {version: number, data: object, items: object[] | null, changed: Set<string> | null}) => (void | Promise<void>)} onSnapshot
 *   called for each version that differs; `changed` holds the keys of new and changed items, null after a fresh snapshot. A promise delays the next message.
 * @param {{onState?: (state: 'connecting' | 'live' | 'reconnecting' | 'closed', reason?: string) => void}} [handlers]
 * @returns {{update(query: object): void, close(): void}} `update` watches another window under the same subscription
 */
export function subscribe(workspaceId, view, query, onSnapshot, handlers = {}) {
  let connection = connections.get(workspaceId);
  if (!connection) connections.set(workspaceId, connection = new Connection(workspaceId));
  return connection.add(new Subscription(view, query, onSnapshot, handlers.onState ?? (() => {})));
}

/** Runs a command on a workspace; resolves to its answer, whose `errno` is null on success. */
export async function execute(workspaceId, command) {
  const response = await fetch(`api/workspaces/${encodeURIComponent(workspaceId)}/commands`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(command),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail ?? response.statusText);
  return answer;
}

class Connection {
  #workspaceId;
  #hub;
  #subscriptions = new Map();
  #ready;
  #nextId = 1;
  #closed = false;

  constructor(workspaceId) {
    this.#workspaceId = workspaceId;
    this.#hub = new signalR.HubConnectionBuilder()
      .withUrl(new URL('hubs/workspace?client=page', document.baseURI).href)
      .withAutomaticReconnect({ nextRetryDelayInMilliseconds: retry => Math.min(250 * 2 ** retry.previousRetryCount, 5000) })
      .configureLogging(signalR.LogLevel.Error)
      .build();
    this.#hub.on('snapshot', (id, message) => this.#subscriptions.get(id)?.take(message, false));
    this.#hub.on('delta', (id, message) => this.#subscriptions.get(id)?.take(message, true));
    this.#hub.on('closed', (id, reason) => this.#subscriptions.get(id)?.onState('closed', reason));
    this.#hub.onreconnecting(() => this.#tell('reconnecting'));
    this.#hub.onreconnected(() => this.#begin());
    this.#hub.onclose(() => { if (!this.#closed) this.#tell('closed', 'The connection was lost.'); });
    this.#ready = this.#connect();
  }

  add(subscription) {
    subscription.open(`s${this.#nextId++}`, this);
    this.#subscriptions.set(subscription.id, subscription);
    subscription.onState('connecting');
    this.#ready.then(() => this.send(subscription));
    return {
      update: query => { subscription.query = query; this.#ready.then(() => this.send(subscription)); },
      close: () => this.#remove(subscription),
    };
  }

  /** Asks for a fresh snapshot; on the server the new subscription takes the place of the old. */
  async send(subscription) {
    if (!this.#subscriptions.has(subscription.id) || this.#hub.state !== signalR.HubConnectionState.Connected) return;
    subscription.asked = true;
    try {
      await this.#hub.invoke('Subscribe', subscription.id, subscription.view, subscription.query);
    } catch (error) {
      subscription.onState('closed', error.message);
    }
  }

  ack(id, version) {
    if (this.#hub.state === signalR.HubConnectionState.Connected) this.#hub.send('Ack', id, version).catch(() => { /* The reconnect subscribes anew. */ });
  }

  async #connect() {
    for (let wait = 250; !this.#closed; wait = Math.min(wait * 2, 5000)) {
      try {
        await this.#hub.start();
        await this.#hub.invoke('Join', this.#workspaceId);
        return;
      } catch (error) {
        if (this.#hub.state === signalR.HubConnectionState.Connected) {
          this.#tell('closed', error.message);
          return;
        }
        this.#tell('reconnecting', error.message);
        await new Promise(resolve => setTimeout(resolve, wait));
      }
    }
  }

  async #begin() {
    try {
      await this.#hub.invoke('Join', this.#workspaceId);
    } catch (error) {
      this.#tell('closed', error.message);
      return;
    }
    for (const subscription of this.#subscriptions.values()) this.send(subscription);
  }

  #tell(state, reason) {
    for (const subscription of this.#subscriptions.values()) subscription.onState(state, reason);
  }

  #remove(subscription) {
    if (!this.#subscriptions.delete(subscription.id)) return;
    if (this.#subscriptions.size === 0) {
      this.#closed = true;
      connections.delete(this.#workspaceId);
      this.#hub.stop();
    } else if (this.#hub.state === signalR.HubConnectionState.Connected) {
      this.#hub.send('Unsubscribe', subscription.id).catch(() => { /* A lost connection has ended it already. */ });
    }
  }
}

class Subscription {
  #connection;
  #version = -1;
  #data = null;
  #items = null;
  #turn = 0;
  asked = false;

  constructor(view, query, onSnapshot, onState) {
    this.view = view;
    this.query = query;
    this.onSnapshot = onSnapshot;
    this.onState = onState;
  }

  open(id, connection) {
    this.id = id;
    this.#connection = connection;
  }

  /** The answer to a new query is shown even while the screen is paused; what the server sends of itself waits. */
  async take(message, isDelta) {
    const turn = ++this.#turn;
    const asked = this.asked;
    this.asked = false;
    if (!asked) await whenGoing();
    // Another query was sent meanwhile, and its answer has taken the place of this.
    if (turn !== this.#turn) return;
    let changed = null;
    if (isDelta && message.from !== this.#version) {
      this.#connection.send(this);
      return;
    }
    if (isDelta) {
      changed = this.#merge(message);
    } else {
      this.#data = message.data;
      this.#items = message.items ? new Map(message.items.map(item => [item.key, item])) : null;
    }
    this.#version = message.version;
    this.onState('live');
    try {
      await this.onSnapshot({ version: this.#version, data: this.#data, items: this.#items && [...this.#items.values()], changed });
    } finally {
      this.#connection.ack(this.id, message.version);
    }
  }

  #merge({ data, upsert, remove, keys }) {
    if (data) this.#data = data;
    if (!this.#items) return null;
    for (const key of remove) this.#items.delete(key);
    for (const item of upsert) this.#items.set(item.key, item);
    if (keys) this.#items = new Map(keys.map(key => [key, this.#items.get(key)]));
    return new Set(upsert.map(item => item.key));
  }
}
