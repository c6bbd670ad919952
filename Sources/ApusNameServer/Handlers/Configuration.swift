// GET_NAMESRV_CONFIG, and UPDATE_NAMESRV_CONFIG, which is refused: whoever reaches the port would
// otherwise choose files that the server writes (CVE-2023-37582).

import ApusRemoting
import Logging

extension NameServerProcessor {
    func showConfiguration() -> Response {
        Response(.success, body: Array(configuration.propertiesText.utf8))
    }

    func refuseConfiguration(_ connection: Connection) -> Response {
        logger.warning(
            "a change of the configuration was refused",
            metadata: ["from": "\(connection.remoteAddress)"])
        return Response(
            .noPermission,
            remark: "the configuration is not changed over the network: change the file and restart"
        )
    }
}
