// The NameServer: which broker has which queues.
