// Tests of ApusNameServer.
