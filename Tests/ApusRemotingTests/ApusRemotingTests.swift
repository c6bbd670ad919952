// Tests of ApusRemoting.
