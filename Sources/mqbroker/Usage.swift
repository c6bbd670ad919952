// What `mqbroker --help` prints.

enum Usage {
    static let text = """
        usage: mqbroker [-c FILE] [-n LIST] [--namesrv] [-p] [-h]

        Stores messages and serves them to RocketMQ's clients, until SIGTERM or SIGINT. Listens on
        0.0.0.0:10911; the store is in `store` in the home directory, as with RocketMQ.

          -c, --configFile FILE    settings, as RocketMQ's broker.conf
          -n, --namesrvAddr LIST   NameServers to register with: host:port;host:port
              --namesrv            be a NameServer, too, on 0.0.0.0:9876: the one to register
                                   with where none is named
          -p, --printConfigItem    print every setting with its value, and end
          -h, --help               print this, and end

        Examples:
          mqbroker --namesrv                       all of it in one process, for development
          mqbroker -n 127.0.0.1:9876               register with a NameServer
          mqbroker -c /etc/rocketmq/broker.conf    serve with the settings in a file
          mqbroker -c broker.conf -p               see what a file amounts to
          echo 'flushDiskType=SYNC_FLUSH' > b.conf; mqbroker -c b.conf -n 'a:9876;b:9876'
                                                   answer when the device has a message

        Standard output has one line when it is ready, standard error the log.

        Ends with 0 when it was asked to end, 1 for a command line that cannot be followed, 2 for
        settings that are refused, 3 when it could not start or not close its store.

        """
}
