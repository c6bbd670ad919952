// Tests of ApusBroker.
