export { connect, SignalClient } from './client.js';
export { ClosedError, ConnectError, NotConnectedError } from './errors.js';
