// The broker: requests in, messages stored and served.
