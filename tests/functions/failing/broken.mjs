// Its init fails.
throw new TypeError('cannot be loaded');
