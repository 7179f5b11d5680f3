/** No server could be reached, or none let us in: a browser does not tell a wrong token from a server that is away. */
export class ConnectError extends Error {
  name = 'ConnectError';

  /** attempts: { url, code, reason } of each address. */
  constructor(attempts) {
    super(attempts.map(({ url, code, reason }) => `${url}: ${code}${reason && ` ${reason}`}`).join('; '));
    this.attempts = attempts;
  }
}

/** The server ended the connection for good: with a code that asks for a change of the application, or an operator did. */
export class ClosedError extends Error {
  name = 'ClosedError';

  constructor({ code, reason }) {
    super(`closed: ${code}${reason && ` ${reason}`}`);
    this.code = code;
    this.reason = reason;
  }
}

/** There is no connection now, or it or the subscription ended before the answer came: whether the message arrived is unknown. */
export class NotConnectedError extends Error {
  name = 'NotConnectedError';
}
