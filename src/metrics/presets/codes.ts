/**
 * The gRPC codes that are the server's fault, as OpenTelemetry counts them (semantic conventions for gRPC, span status):
 * unknown, deadline exceeded, unimplemented, internal, unavailable, data loss. Each is a regular expression.
 */
export const GRPC_NUMBERS = '2|4|12|13|14|15';
export const GRPC_NAMES = 'UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS';
/** As Go writes them. */
export const GRPC_WORDS = 'Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss';
/** Also the class that some libraries write instead: `5xx`. */
export const HTTP_ERRORS = '5..';
