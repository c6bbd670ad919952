// What `mqnamesrv --help` prints.

enum Usage {
    static let text = """
        usage: mqnamesrv [-c FILE] [-p] [-h]

        Tells clients which broker has which queues. Brokers register with every NameServer;
        NameServers know nothing of each other. Listens on 0.0.0.0:9876 until SIGTERM or SIGINT.

          -c, --configFile FILE   settings, as RocketMQ's namesrv.properties
          -p, --printConfigItem   print every setting with its value, and end
          -n, --namesrvAddr LIST  taken for RocketMQ's sake; without effect
          -h, --help              print this, and end

        Examples:
          mqnamesrv                                   serve with RocketMQ's defaults
          mqnamesrv -c /etc/rocketmq/namesrv.conf     serve with the settings in a file
          mqnamesrv -c namesrv.conf -p                see what a file amounts to
          echo listenPort=9877 > b.conf; mqnamesrv -c b.conf
                                                      a second one beside the first
          mqbroker -n '127.0.0.1:9876;127.0.0.1:9877' a broker that registers with both

        Standard output has a line when it is ready, standard error the log.

        Ends with 0 when it was asked to end, 1 for a command line that cannot be followed, 2 for
        settings that are refused, 3 when it could not start.

        """
}
